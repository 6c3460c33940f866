/* RUN/turn: the turn of a planner that is a client of the run (experiment.planner: client), while
 * it is open: one line of JSON (message Turn), renamed into place. One of another launch than
 * RUN/incarnation says is none: that launch was killed in it. Local. */
#pragma once
#include "base/err.h"

#include <stdint.h>

/* Opens the turn of a step, in the place of one that is open. */
int turn_open(const char *run, uint64_t incarnation, uint64_t step, struct err *err);

/* Ends it; none is no error. */
int turn_close(const char *run, struct err *err);

/* Whether a turn of the run's newest launch is open, and of which step: 1, 0, or -1 with the
 * sentence. Whether that launch still lives is another question (run_is_trained). */
int turn_read(uint64_t *step, const char *run, struct err *err);
