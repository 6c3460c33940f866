/* A server's state of one trial: its shard of the weights and moments.
 *
 * It counts twice. `step` is a label: the place in the trial's schedule that the weights stand at,
 * which is given anew where a trial goes on with another batch. `updates` is how many updates made
 * the moments: the optimizer's correction of their bias needs it, and it is not given anew. */
#pragma once
#include "base/err.h"
#include "proto/tensor/shard_map.h"

#include "config.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gather;
struct layout;
struct optimizer_rule;

struct store {
    const struct layout *layout; /* borrowed */
    struct shard shard;
    const struct optimizer_rule *rule;
    float *weights;    /* shard.count */
    float *moments[2]; /* rule->n_moments of them, shard.count each */
    uint64_t step;     /* updates done, as messages count them */
    uint64_t updates;  /* updates that made the moments */
};

/* The rule that a configuration names. */
const struct optimizer_rule *store_rule(const Trireme__Optimizer *optimizer);

/* Zeroed state. Borrowed: layout. */
struct store *store_new(const struct layout *layout, const struct shard *shard,
                        const Trireme__Optimizer *optimizer);
void store_free(struct store *store);

/* First weights: each a pure function of (seed, tensor name, index in the tensor), so of no number
 * of servers. */
void store_draw(struct store *store, uint64_t seed);

/* Makes a store's state that of another one of the same shard and rule, both counts with it. */
void store_copy(struct store *store, const struct store *from);

/* Finds the first weight that is not finite: its place in the layout. False: all are finite. */
bool store_not_finite(const struct store *store, size_t *place);

/* One update of every block from the complete sums. scale: factor of the gradient (clipping). */
void store_update(struct store *store, const struct gather *sums,
                  const Trireme__Optimizer *optimizer, double lr, float scale);
