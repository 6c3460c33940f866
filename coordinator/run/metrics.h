/* RUN/metrics.jsonl: one JSON object a line. Each line is appended by one write, so it is there
 * whole or not at all.
 *
 * At its start a launch removes the lines of steps after the checkpoint that it continues, and a
 * line that a crash left unfinished. So each step is there once, without gaps. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct metrics;
struct run;

/* Returns true if a line of a trial other than the trunk is to be kept. */
typedef bool (*metrics_keep_fn)(const void *context, const char *trial, uint64_t step);

/* Opens RUN/metrics.jsonl for appending. Keeps the trunk's lines of at most `step` updates, and
 * those of other trials for which keep (NULL: all) returns true. The file is always a new one of
 * that name: an older launch that still has the one before open does not write into it. */
struct metrics *metrics_open(const char *run, uint64_t step, metrics_keep_fn keep,
                             const void *context, struct err *err);
void metrics_free(struct metrics *metrics);

/* From now on the file is written only as long as this launch holds the run (borrowed). */
void metrics_belongs(struct metrics *metrics, const struct run *run);

/* Cuts an open file back in the same way. */
int metrics_cut(struct metrics *metrics, uint64_t step, metrics_keep_fn keep, const void *context,
                struct err *err);

/* Appends one message (TrainLine, EvalLine, ...) as a line. After a line that could not be written
 * whole, every call fails. */
int metrics_write(struct metrics *metrics, const void *line, struct err *err);

/* Appends an EventLine: something that happened after `step` updates, for whoever reads the curve.
 */
int metrics_event(struct metrics *metrics, uint64_t step, const char *what, struct err *err);

/* Whether that very EventLine is there already. False where the file cannot be read. */
bool metrics_has_event(const struct metrics *metrics, uint64_t step, const char *what);

/* Whether there is a line of an evaluation of the trunk after so many updates. False as above. */
bool metrics_has_eval(const struct metrics *metrics, uint64_t step);

/* Syncs the file to disk. Called before a checkpoint that relies on its lines is completed. */
int metrics_sync(struct metrics *metrics, struct err *err);
