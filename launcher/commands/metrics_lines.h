/* The lines of RUN/metrics.jsonl that tell of steps and evaluations, of all lines of training. An
 * unfinished last line is passed over; a file that is not there has none. Local. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

/* Called for each line, in the order of the file; one of the two is NULL. */
typedef void (*metrics_lines_fn)(void *context, const Trireme__TrainLine *train,
                                 const Trireme__EvalLine *eval);
int metrics_lines_read(const char *run, metrics_lines_fn hear, void *context, struct err *err);
