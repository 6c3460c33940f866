/* Measuring the pairs that end at one step, where the trunk rests: tails are trained side by side,
 * then every arm's windows are evaluated, one arm after the other. Each turn does what can be done
 * now. */
#pragma once
#include "base/err.h"
#include "coordinator/campaign/pair.h"

struct gate_windows;
struct context;
struct measure;

/* Borrowed: context, windows. */
struct measure *measure_new(const struct context *context, struct gate_windows *windows);
void measure_free(struct measure *measure);

/* Gets a pair ready whose fork has arrived. */
void measure_begin(struct measure *measure, struct pair *pair);

/* Goes on with the pairs of a list that are measured and end at `step`. Returns 1 when all are
 * done, 0 before, -1 on error. */
int measure_turn(struct measure *measure, struct pair *pairs, uint64_t step, struct err *err);

/* What was measured, to be filled into a record: losses, variance, tokens. */
void measure_observe(const struct measure *measure, const struct pair *pair, struct pair *pairs,
                     Trireme__Observation *observation);

/* Gives a pair's tails back; its sums stay. */
void measure_end(struct pair *pair);
