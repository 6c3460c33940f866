/* What a person sees of a run: on a terminal one line that lives, elsewhere plain lines now and
 * then. Sentences that matter go to the run's log too. */
#pragma once
#include "files.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

struct progress;

/* live: rewrite one line on stdout; columns: width of the terminal. log: RUN/log.txt is appended
 * to. */
struct progress *progress_new(const char *run, bool live, int columns, uint64_t first_step,
                              uint64_t steps);
void progress_free(struct progress *progress);

/* A step of the trunk; the live line says how many forks train beside it. */
void progress_train(struct progress *progress, const Trireme__TrainLine *line, size_t forks);
void progress_eval(struct progress *progress, const Trireme__EvalLine *line);

/* A whole line for people and the log. */
void progress_say(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A line for the log only. */
void progress_log(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
