/* The stores of a small model's parameters on n servers. */
#pragma once
#include "tests/unit/support.h"

#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"
#include "proto/tensor/shard_map.h"
#include "ps/store.h"

enum { SERVERS_MAX = 8 };

/* Owns all that it points to; store_fixture_free frees it. */
struct store_fixture {
    Trireme__Config *config;
    struct layout *layout;
    size_t n;
    struct shard shards[SERVERS_MAX];
    struct store *stores[SERVERS_MAX];
};

static inline struct store_fixture store_fixture_new(size_t n, Trireme__Optimizer__Name name)
{
    struct err err;
    struct store_fixture f = {.config = message_new(&trireme__config__descriptor), .n = n};
    Trireme__Model *m = f.config->model;
    // the embedding has several blocks
    m->layers = 1, m->heads = 2, m->width = 32, m->context = 16, m->vocab = 5000;
    f.config->optimizer->name = name;
    assert_int_equal(model_shape_resolve(m, &err), 0);
    f.layout = layout_new(m);
    assert_int_equal(shard_map(f.shards, n, f.layout, &err), 0);
    for (size_t s = 0; s < n; s++)
        f.stores[s] = store_new(f.layout, &f.shards[s], f.config->optimizer);
    return f;
}

static inline void store_fixture_free(struct store_fixture *f)
{
    for (size_t s = 0; s < f->n; s++)
        store_free(f->stores[s]);
    layout_free(f->layout);
    message_free(f->config);
}

/* The weights (array 0) or a moment (1, 2) of all servers as one array; the caller's. */
static inline float *store_fixture_array(const struct store_fixture *f, int array)
{
    float *all = mem_floats(f->layout->n_params);
    for (size_t s = 0; s < f->n; s++)
        memcpy(all + f->shards[s].offset,
               array ? f->stores[s]->moments[array - 1] : f->stores[s]->weights,
               f->shards[s].count * sizeof *all);
    return all;
}
