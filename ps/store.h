/* A server's state of the trunk: its shard of the weights and moments, and the number of updates that made them. */
#pragma once
#include "base/err.h"
#include "proto/tensor/shard_map.h"

#include "config.pb-c.h"

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
    uint64_t step;     /* updates done */
};

/* Zeroed state. */
struct store *store_new(const struct layout *layout, const struct shard *shard, const Trireme__Optimizer *optimizer);
void store_free(struct store *store);

/* First weights: each a pure function of (seed, tensor name, index in the tensor), so of no number of servers. */
void store_draw(struct store *store, uint64_t seed);

/* One update of every block from the complete sums. scale: factor of the gradient (clipping). */
void store_update(struct store *store, const struct gather *sums, const Trireme__Optimizer *optimizer, double lr,
                  float scale);
