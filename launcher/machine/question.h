/* A short question to another program: what it prints, within a bound. Local. */
#pragma once
#include "base/err.h"
#include "base/text.h"

#include <stdbool.h>
#include <sys/types.h>

struct question {
    pid_t pid;        /* leads a group of its own; 0: not running */
    int out;          /* read end of its stdout and stderr */
    struct text text; /* what it printed, up to some kilobytes */
    bool ended;       /* by itself, with `code` */
    int code;         /* its exit code, or 128 and the signal that ended it */
};

/* Starts the program (words[0], looked for in PATH), with nothing to read. ERR_MACHINE where it
 * cannot be executed. */
int question_begin(struct question *question, const char *const *words, struct err *err);

/* Reads what there is; whether it has ended. Never waits. */
bool question_turn(struct question *question);

/* Kills it if it has not ended, and frees the text. */
void question_end(struct question *question);

/* Begins, and waits for its end, so many seconds at most. -1 where it could not be executed, or did
 * not end within them; to be ended in any case. */
int question_ask(struct question *question, const char *const *words, double seconds,
                 struct err *err);
