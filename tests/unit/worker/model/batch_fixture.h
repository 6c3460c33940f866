/* A small model with weights and a batch of tokens. */
#pragma once
#include "tests/unit/support.h"

#include "base/mem.h"
#include "base/random.h"
#include "math/kernels.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"
#include "worker/model/model.h"

#include <math.h>

/* Owns all that it points to; batch_fixture_free frees it. */
struct batch_fixture {
    Trireme__Model config;
    struct layout *layout;
    struct model *model;
    float *weights;
    int32_t *tokens; /* (BATCH_FIXTURE_SAMPLES, T + 1) */
    size_t T, n;     /* context, parameters */
};

enum { BATCH_FIXTURE_SAMPLES = 3 };

/* A model of that configuration, with weights so large that every part of it matters. */
static inline struct batch_fixture batch_fixture_of(Trireme__Model config,
                                                    const struct kernels *kernels)
{
    struct batch_fixture c = {.config = config};
    struct err err;
    if (model_shape_resolve(&c.config, &err))
        fail_msg("%s", err.text);
    c.layout = layout_new(&c.config);
    c.model = model_new(&c.config, c.layout, kernels, BATCH_FIXTURE_SAMPLES);
    c.n = c.layout->n_params;
    c.T = c.config.context;
    c.weights = mem_floats(c.n);
    for (size_t i = 0; i < c.layout->n_tensors; i++) {
        const struct tensor *t = &c.layout->tensors[i];
        for (size_t j = 0; j < tensor_count(t); j++)
            c.weights[t->offset + j] =
                (t->init == INIT_ONE ? 1 : 0) + 0.3f * (float)random_normal(i, j);
    }
    c.tokens = mem_new(BATCH_FIXTURE_SAMPLES * (c.T + 1), sizeof *c.tokens);
    for (size_t i = 0; i < BATCH_FIXTURE_SAMPLES * (c.T + 1); i++)
        c.tokens[i] = (int32_t)(random_u64(99, i) % c.config.vocab);
    return c;
}

/* Two layers of shapes that are no powers of two. */
static inline Trireme__Model batch_fixture_config(Trireme__Model__Arch arch, bool tied)
{
    Trireme__Model config = TRIREME__MODEL__INIT;
    config.arch = arch;
    config.layers = 2;
    config.heads = 4;
    config.kv_heads = arch == TRIREME__MODEL__ARCH__llama ? 2 : 0;
    config.width = 24;
    config.ffn = 40;
    config.context = 9;
    config.vocab = 13;
    config.has_tied = 1;
    config.tied = tied;
    return config;
}

/* A llama with all that a llama may have: all biases, wide heads and llama3's positions; or, with
 * the MLP's biases alone, narrow heads and linear positions. */
static inline Trireme__Model batch_fixture_rich(bool wide)
{
    Trireme__Model config = batch_fixture_config(TRIREME__MODEL__ARCH__llama, !wide);
    config.head_dim = wide ? 10 : 4;
    config.attention_bias = wide;
    config.mlp_bias = 1;
    config.rope_type = wide ? TRIREME__MODEL__ROPE_TYPE__llama3 : TRIREME__MODEL__ROPE_TYPE__linear;
    config.rope_factor = wide ? 8 : 2.5;
    if (wide)
        config.rope_low_freq_factor = 0.25, config.rope_high_freq_factor = 1,
        config.rope_original_context = 3;
    return config;
}

/* Variant 0..5: gpt2 tied, gpt2 untied, llama tied, llama untied, rich llama wide, narrow. */
enum { BATCH_FIXTURE_VARIANTS = 6, BATCH_FIXTURE_RICH = 4 };
static inline struct batch_fixture batch_fixture_new(int variant, const struct kernels *kernels)
{
    Trireme__Model__Arch arch =
        variant / 2 ? TRIREME__MODEL__ARCH__llama : TRIREME__MODEL__ARCH__gpt2;
    if (variant >= BATCH_FIXTURE_RICH)
        return batch_fixture_of(batch_fixture_rich(variant == BATCH_FIXTURE_RICH), kernels);
    return batch_fixture_of(batch_fixture_config(arch, variant % 2 == 0), kernels);
}

static inline void batch_fixture_free(struct batch_fixture *c)
{
    model_free(c->model);
    layout_free(c->layout);
    free(c->weights);
    free(c->tokens);
}
