/* What a person sees of a run: on a terminal one line that is rewritten, elsewhere a plain line
 * every ten seconds; and RUN/log.txt. */
#pragma once
#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;

/* live: rewrites one line on stdout. columns: width of the terminal. step_tokens: of a step at the
 * start of the run. RUN/log.txt is appended to. */
struct progress *progress_new(const char *run, bool live, int columns, uint64_t first_step,
                              uint64_t step_tokens);
void progress_free(struct progress *progress);

/* A step of the trunk, after which it has trained on `tokens` of `all`. Where its steps have other
 * sizes than at the start of the run, tokens are told: steps do not say how far it is. forks:
 * trials that train beside it. */
void progress_train(struct progress *progress, const Trireme__TrainLine *line, uint64_t tokens,
                    uint64_t all, size_t forks);

/* The text of that line: what progress_train prints if it prints this step. Pure. */
struct progress_pace {
    double loss, token_seconds; /* of late */
    uint64_t step_tokens;       /* of a step at the start of the run */
};
void progress_text(char *text, size_t size, const struct progress_pace *pace,
                   const Trireme__TrainLine *line, uint64_t tokens, uint64_t all, size_t forks);

void progress_eval(struct progress *progress, const Trireme__EvalLine *line);

/* Prints a whole line, and writes it to the log. */
void progress_say(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes a line to the log only. */
void progress_log(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
