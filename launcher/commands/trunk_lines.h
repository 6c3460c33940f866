/* The trunk's lines of RUN/metrics.jsonl. An unfinished last line is passed over. Local. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stdint.h>

/* Called for each line of the trunk, in the order of the file; one of the two is NULL. */
typedef void (*trunk_lines_fn)(void *context, const Trireme__TrainLine *train,
                               const Trireme__EvalLine *eval);
int trunk_lines_read(const char *run, trunk_lines_fn hear, void *context, struct err *err);

/* The step of the last one. */
int trunk_lines_step(uint64_t *step, const char *run, struct err *err);
