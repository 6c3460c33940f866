/* Whether an adopted change comes nearer to what mends a task. Pure.
 *
 * A value comes nearer if it is nearer on a logarithmic scale (of 1 - value where the schema bounds
 * it by 1: the decays of Adam; linear where one of the values is 0). The weights of sources count
 * together, as the shares that they make: their change is nearer if the sum of the absolute
 * differences from the remedy's shares falls. Words come nearer by being the remedy's. */
#pragma once
#include "base/err.h"

#include "bench.pb-c.h"

#include <stddef.h>

struct bench_judge; /* follows one run of the task, from its first step on */

/* Borrows the task. */
struct bench_judge *bench_judge_new(const Trireme__BenchTask *task);
void bench_judge_free(struct bench_judge *judge);

/* The verdict of a change that is put in force now; before: the values until now. */
Trireme__BenchAdoption__Verdict bench_judge_adopt(struct bench_judge *judge,
                                                  Trireme__Change *const *patch,
                                                  Trireme__Change *const *before, size_t n);

/* These values are in force now: a change was taken back. */
void bench_judge_set(struct bench_judge *judge, Trireme__Change *const *patch, size_t n);
