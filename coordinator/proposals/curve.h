/* The loss curve in a few points: at most 24 means over equal stretches of the trunk's steps. Lines
 * are added one by one. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"
#include "planner.pb-c.h"

#include <stdint.h>

struct curve;

struct curve *curve_new(void);
void curve_free(struct curve *curve);
void curve_train(struct curve *curve, const Trireme__TrainLine *line);
void curve_eval(struct curve *curve, const Trireme__EvalLine *line);

/* Adds the lines of RUN/metrics.jsonl. *step: the last step in it. An unfinished last line is
 * ignored. */
int curve_read(struct curve *curve, uint64_t *step, const char *run, struct err *err);

/* Fills in a fresh briefing's curve, tokens, rate, speed and losses by source. */
void curve_tell(const struct curve *curve, Trireme__Briefing *briefing);
