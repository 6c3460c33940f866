/* Measures the pairs that end at one step, where the trunk rests: trains their tails side by side,
 * then evaluates the windows of one arm after the other. Each turn does what can be done now. */
#pragma once
#include "base/err.h"
#include "coordinator/campaign/pair.h"

struct gate_windows;
struct context;
struct measure;

/* context and windows are borrowed. */
struct measure *measure_new(const struct context *context, struct gate_windows *windows);
void measure_free(struct measure *measure);

/* Begins with a pair whose fork has arrived. */
void measure_begin(struct measure *measure, struct pair *pair);

/* Goes on with the pairs that end at `step`. Returns 1 when all are measured, 0 before, -1 on
 * error. */
int measure_turn(struct measure *measure, struct pair *pairs, uint64_t step, struct err *err);

/* Fills in what was measured: losses, variance, windows, tokens. It borrows from the pair. */
void measure_observe(const struct measure *measure, const struct pair *pair, struct pair *pairs,
                     Trireme__Observation *observation);

/* Stops a pair's tails; its sums stay. */
void measure_end(struct pair *pair);
