/* RUN/metrics.jsonl: one JSON object a line, each appended by one write, so that a line is there
 * whole or not at all.
 *
 * At the start of a launch what lies behind the checkpoint that it continues from is cut off: the
 * lines of later steps, and a line that a crash left unfinished. So the file has each step once,
 * without gaps, whatever happened. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct metrics;

/* Whether a line of a trial other than the trunk is still true. */
typedef bool (*metrics_keep_fn)(const void *context, const char *trial, uint64_t step);

/* Opens RUN/metrics.jsonl and cuts it back to the trunk's lines of at most `step` updates, and to
 * those of other trials that `keep` (or NULL: all) says yes to. */
struct metrics *metrics_open(const char *run, uint64_t step, metrics_keep_fn keep,
                             const void *context, struct err *err);
void metrics_free(struct metrics *metrics);

/* Appends one message (TrainLine, EvalLine, ...) as a line. */
int metrics_write(struct metrics *metrics, const void *line, struct err *err);

/* Appends an EventLine: something happened after `step` updates that whoever looks at the curve wants
 * to know. */
int metrics_event(struct metrics *metrics, uint64_t step, const char *what, struct err *err);

/* Makes what was written durable: before a checkpoint that relies on it is complete. */
int metrics_sync(struct metrics *metrics, struct err *err);
