/* Measures the stretch that ends, where the trunk rests: trains the tails of all arms side by side,
 * then reads them one after the other on one slice of gate windows; the trunk once. Each turn does
 * what can be done now. */
#pragma once
#include "base/err.h"
#include "coordinator/campaign/pair.h"

struct gate_windows;
struct context;
struct measure;

/* context and windows are borrowed. */
struct measure *measure_new(const struct context *context, const struct gate_windows *windows);
void measure_free(struct measure *measure);

/* Begins with the stretch under way, whose forks have arrived. Whether it has begun. */
void measure_begin(struct measure *measure, struct pair *pairs);
bool measure_has_begun(const struct measure *measure);

/* Goes on. Returns 1 when all are measured, or given up; 0 before; -1 on error. */
int measure_turn(struct measure *measure, struct pair *pairs, struct err *err);

/* Fills in what was measured of an arm: losses, variance, windows, tokens. It borrows from the
 * measure. */
void measure_observe(const struct measure *measure, const struct pair *pair,
                     Trireme__Observation *observation);

/* Fills in what the stretch cost beside its arms, and the windows that it took. It borrows from the
 * measure. */
void measure_decide(const struct measure *measure, Trireme__Decision *decision);

/* The trunk's tail, borrowed; NULL: there is none. */
const struct trial *measure_trunk_tail(const struct measure *measure);

/* An arm leaves: its tail is stopped. */
void measure_leave(struct measure *measure, struct pair *pair);

/* Ends: the trunk's tail is stopped, the slice forgotten. */
void measure_end(struct measure *measure);
