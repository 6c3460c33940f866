/* A server's state of one trial: its shard of the weights and moments.
 *
 * There are two counts. `step` is a label: the position of the weights in the trial's schedule. It
 * is set anew when a trial continues with another batch. `updates` is the number of updates that
 * made the moments. The optimizer's bias correction needs it, and it is never set anew. */
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

/* Returns the rule that a configuration names. */
const struct optimizer_rule *store_rule(const Trireme__Optimizer *optimizer);

/* Makes a store with zeroed state. Borrowed: layout. */
struct store *store_new(const struct layout *layout, const struct shard *shard,
                        const Trireme__Optimizer *optimizer);
void store_free(struct store *store);

/* Draws the first weights. Each is a pure function of (seed, tensor name, index in the tensor), so
 * it does not depend on the number of servers. */
void store_draw(struct store *store, uint64_t seed);

/* Copies the state and both counts of another store of the same shard and rule. */
void store_copy(struct store *store, const struct store *from);

/* Finds the first weight that is not finite: its place in the layout. False: all are finite. */
bool store_not_finite(const struct store *store, size_t *place);

/* Updates every block once from the complete sums. scale: factor of the gradient (clipping). */
void store_update(struct store *store, const struct gather *sums,
                  const Trireme__Optimizer *optimizer, double lr, float scale);
