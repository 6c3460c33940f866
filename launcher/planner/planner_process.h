/* A planner's process: started, written to, read from and killed, without ever waiting for it.
 * Local. */
#pragma once
#include "base/err.h"
#include "base/text.h"
#include "launcher/planner/cage.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct planner_program;

enum { PLANNER_PROCESSES_LEFT = 8 };

struct planner_process {                /* zeroed: none runs */
    pid_t pid;                          /* 0: none runs; the leader of its session and group */
    int in, out, err;                   /* our ends of its stdin, stdout and stderr */
    int report;                         /* what the child tells before it is the program */
    const struct cage *cage;            /* borrowed from the program */
    int log;                            /* what its stderr goes to */
    const char *log_path;               /* borrowed from the program */
    bool dead;                          /* it has ended, as is said here: */
    int code, status;                   /* as in siginfo_t */
    struct cage_report failed;          /* why it could not be started; news 0: it could */
    pid_t left[PLANNER_PROCESSES_LEFT]; /* killed, and perhaps not yet gone */
};

/* In a session and a cage of its own; it is killed when this process ends. Of our open files it
 * gets none but its three. The program must live as long as it. */
int planner_process_start(struct planner_process *process, const struct planner_program *program,
                          struct err *err);

/* Kills it and all that it started, closes the pipes and removes the folder that it worked in;
 * nothing where none runs. */
void planner_process_kill(struct planner_process *process);

/* Writes what it takes now of the text from *done on, which moves. */
void planner_process_write(const struct planner_process *process, const struct text *text,
                           size_t *done);

/* As write to its `in`, without a signal where it has gone. */
ssize_t planner_process_say(int in, const char *bytes, size_t size);

/* Adds what there is to read to a text that may grow to max bytes. True: it has ended, and all is
 * read. What it wrote to stderr goes to the log, which a newer one replaces (planner.log.before)
 * when it has 4 MiB. */
bool planner_process_read(struct planner_process *process, struct text *text, size_t max);

/* Whether it has ended because it could not be locked in or executed: -1 with the sentence. */
int planner_process_failed(const struct planner_process *process, struct err *err);

/* "ended with exit status 1", "was ended by signal 9". Of one that has ended. */
void planner_process_how(char *text, size_t size, const struct planner_process *process);
