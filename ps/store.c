#include "ps/store.h"

#include "base/check.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/random.h"
#include "math/optimizer.h"
#include "proto/tensor/layout.h"
#include "ps/gather.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct optimizer_rule *store_rule(const Trireme__Optimizer *optimizer)
{
    return optimizer_rule(
        protobuf_c_enum_descriptor_get_value(&trireme__optimizer__name__descriptor, optimizer->name)
            ->name);
}

struct store *store_new(const struct layout *layout, const struct shard *shard,
                        const Trireme__Optimizer *optimizer)
{
    struct store *store = mem_new(1, sizeof *store);
    store->layout = layout;
    store->shard = *shard;
    store->rule = store_rule(optimizer);
    store->weights = mem_floats(shard->count);
    for (int m = 0; m < store->rule->n_moments; m++)
        store->moments[m] = mem_floats(shard->count);
    return store;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    free(store->weights);
    free(store->moments[0]);
    free(store->moments[1]);
    free(store);
}

static void draw_block(float *weights, const struct tensor *tensor, const struct block *block,
                       uint64_t seed)
{
    uint64_t key = digest_key(seed, tensor->name);
    uint64_t first = block->offset - tensor->offset;
    for (size_t i = 0; i < block->count; i++)
        switch (tensor->init) {
        case INIT_ZERO:
            weights[i] = 0;
            break;
        case INIT_ONE:
            weights[i] = 1;
            break;
        case INIT_NORMAL:
            weights[i] = (float)(tensor->std * random_normal(key, first + i));
            break;
        }
}

void store_draw(struct store *store, uint64_t seed)
{
    for (size_t b = store->shard.first_block; b < store->shard.first_block + store->shard.n_blocks;
         b++) {
        const struct block *block = &store->layout->blocks[b];
        draw_block(store->weights + (block->offset - store->shard.offset),
                   &store->layout->tensors[block->tensor], block, seed);
    }
}

void store_copy(struct store *store, const struct store *from)
{
    ASSERT(store->rule == from->rule && store->shard.offset == from->shard.offset &&
           store->shard.count == from->shard.count);
    size_t bytes = store->shard.count * sizeof *store->weights;
    memcpy(store->weights, from->weights, bytes);
    for (int m = 0; m < store->rule->n_moments; m++)
        memcpy(store->moments[m], from->moments[m], bytes);
    store->step = from->step;
    store->updates = from->updates;
}

bool store_not_finite(const struct store *store, size_t *place)
{
    for (size_t i = 0; i < store->shard.count; i++)
        if (!isfinite(store->weights[i])) {
            *place = store->shard.offset + i;
            return true;
        }
    return false;
}

void store_update(struct store *store, const struct gather *sums,
                  const Trireme__Optimizer *optimizer, double lr, float scale)
{
    struct optimizer_step step = {.lr = lr,
                                  .beta1 = optimizer->beta1,
                                  .beta2 = optimizer->beta2,
                                  .eps = optimizer->eps,
                                  .momentum = optimizer->momentum,
                                  .scale = scale,
                                  .step = store->updates + 1};
    for (size_t b = store->shard.first_block; b < store->shard.first_block + store->shard.n_blocks;
         b++) {
        const struct block *block = &store->layout->blocks[b];
        size_t at = block->offset - store->shard.offset;
        float *moments[OPTIMIZER_MOMENTS_MAX] = {store->moments[0] + at};
        if (store->moments[1])
            moments[1] = store->moments[1] + at;
        step.weight_decay =
            store->layout->tensors[block->tensor].decay ? optimizer->weight_decay : 0;
        store->rule->update(store->weights + at, moments, gather_sum(sums, b), block->count, &step);
    }
    store->step++;
    store->updates++;
}
