#include "worker/model/model.h"

#include "base/check.h"
#include "base/mem.h"
#include "math/kernels.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"
#include "worker/model/activations.h"
#include "worker/model/attention.h"
#include "worker/model/embedding.h"
#include "worker/model/head.h"
#include "worker/model/mlp.h"
#include "worker/model/norm.h"
#include "worker/model/pass.h"
#include "worker/model/rotary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct layer {
    struct norm norm1, norm2;
    struct attention attention;
    struct mlp mlp;
};

struct model {
    size_t context, vocab, width, n_layers;
    size_t rows, longest; /* of a pass, and of a sample, at most */
    struct embedding embedding;
    struct layer *layers;
    struct norm norm;
    struct head head;
    float *cosine, *sine; /* rotary tables; NULL for gpt2 */
    struct activations *memory;
    const struct kernels *kernels; /* borrowed */
    bool (*tick)(void *context);
    void *tick_context; /* borrowed */
};

static void init_layers(struct model *model, const struct layout *layout,
                        const Trireme__Model *config)
{
    char name[TENSOR_NAME_SIZE];
    for (int l = 0; l < (int)model->n_layers; l++) {
        struct layer *layer = &model->layers[l];
        snprintf(name, sizeof name, "layers.%d.norm1", l);
        norm_init(&layer->norm1, layout, name, config);
        attention_init(&layer->attention, layout, l, config, model->cosine, model->sine);
        snprintf(name, sizeof name, "layers.%d.norm2", l);
        norm_init(&layer->norm2, layout, name, config);
        mlp_init(&layer->mlp, layout, l, config);
    }
}

struct model *model_new_sized(const Trireme__Model *config, const struct layout *layout,
                              const struct kernels *kernels, size_t rows, size_t longest)
{
    ASSERT(longest > 0 && longest <= config->context && longest <= rows);
    struct model *model = mem_new(1, sizeof *model);
    *model = (struct model){.context = config->context,
                            .vocab = config->vocab,
                            .width = config->width,
                            .n_layers = config->layers,
                            .rows = rows,
                            .longest = longest,
                            .kernels = kernels};
    model->layers = mem_new(config->layers, sizeof *model->layers);
    model->memory = activations_new(config, rows, longest);
    if (config->arch == TRIREME__MODEL__ARCH__llama) {
        const size_t half = model_shape_head(config) / 2;
        model->cosine = mem_floats(longest * half);
        model->sine = mem_floats(longest * half);
        rotary_tables(model->cosine, model->sine, config, longest);
    }
    embedding_init(&model->embedding, layout, config);
    init_layers(model, layout, config);
    norm_init(&model->norm, layout, "norm", config);
    head_init(&model->head, layout, config);
    return model;
}

struct model *model_new(const Trireme__Model *config, const struct layout *layout,
                        const struct kernels *kernels, size_t max_batch)
{
    return model_new_sized(config, layout, kernels, max_batch * config->context, config->context);
}

void model_free(struct model *model)
{
    if (!model)
        return;
    activations_free(model->memory);
    free(model->cosine);
    free(model->sine);
    free(model->layers);
    free(model);
}

void model_set_tick(struct model *model, bool (*tick)(void *context), void *context)
{
    model->tick = tick;
    model->tick_context = context;
}

static bool abandoned(const struct model *model)
{
    return model->tick && model->tick(model->tick_context);
}

/* Copies the inputs, and the targets if asked for, of B samples of T tokens to the pass's memory.
 */
static void read_tokens(const struct model *model, const int32_t *tokens, size_t B, size_t T,
                        bool targets)
{
    struct activations *memory = model->memory;
    const size_t stride = T + (targets ? 1 : 0);
    for (size_t i = 0; i < B * stride; i++)
        ASSERT(tokens[i] >= 0 && (size_t)tokens[i] < model->vocab);
    for (size_t b = 0; b < B; b++)
        for (size_t t = 0; t < T; t++) {
            memory->inputs[b * T + t] = tokens[b * stride + t];
            if (targets)
                memory->targets[b * T + t] = tokens[b * stride + t + 1];
        }
}

/* Computes memory->norm, the last norm's output, from the inputs. Calls the tick if ticking. False:
 * abandoned. */
static bool forward(const struct model *model, const struct pass *pass, bool ticking)
{
    struct activations *memory = pass->memory;
    const size_t N = pass->B * pass->T;
    embedding_forward(&model->embedding, pass, memory->layers[0].x);
    for (size_t l = 0; l < model->n_layers; l++) {
        const struct layer *layer = &model->layers[l];
        const struct layer_activations *a = &memory->layers[l];
        norm_forward(&layer->norm1, pass, a->norm1, a->mean1, a->rstd1, a->x, N);
        attention_forward(&layer->attention, pass, a);
        norm_forward(&layer->norm2, pass, a->norm2, a->mean2, a->rstd2, a->middle, N);
        mlp_forward(&layer->mlp, pass, memory->layers[l + 1].x, a);
        if (ticking && abandoned(model))
            return false;
    }
    norm_forward(&model->norm, pass, memory->norm, memory->mean, memory->rstd,
                 memory->layers[model->n_layers].x, N);
    return true;
}

/* Computes the gradient of all weights before the head from memory->dbranch, the gradient of
 * memory->norm. False: abandoned. */
static bool backward(const struct model *model, const struct pass *pass)
{
    struct activations *memory = pass->memory;
    const size_t N = pass->B * pass->T;
    float *dx = memory->dx, *dbranch = memory->dbranch;
    memset(dx, 0, N * model->width * sizeof *dx); // norms add to it
    norm_backward(&model->norm, pass, dx, dbranch, memory->layers[model->n_layers].x, memory->mean,
                  memory->rstd, N);
    for (size_t l = model->n_layers; l-- > 0;) {
        const struct layer *layer = &model->layers[l];
        const struct layer_activations *a = &memory->layers[l];
        if (abandoned(model))
            return false;
        mlp_backward(&layer->mlp, pass, dbranch, dx, a);
        norm_backward(&layer->norm2, pass, dx, dbranch, a->middle, a->mean2, a->rstd2, N);
        attention_backward(&layer->attention, pass, dbranch, dx, a);
        norm_backward(&layer->norm1, pass, dx, dbranch, a->x, a->mean1, a->rstd1, N);
    }
    embedding_backward(&model->embedding, pass, dx);
    return true;
}

bool model_gradient(struct model *model, float *gradient, double *loss_sum, const float *weights,
                    const int32_t *tokens, size_t B, size_t T, float scale)
{
    const struct pass pass = {.kernels = model->kernels,
                              .memory = model->memory,
                              .weights = weights,
                              .gradient = gradient,
                              .B = B,
                              .T = T};
    ASSERT(B > 0 && T > 0 && T <= model->longest && B * T <= model->rows);
    read_tokens(model, tokens, B, T, true);
    if (!forward(model, &pass, true))
        return false;
    *loss_sum = head_loss_backward(&model->head, &pass, scale);
    return backward(model, &pass);
}

bool model_losses(struct model *model, double *loss_sums, const float *weights,
                  const int32_t *tokens, size_t B)
{
    const struct pass pass = {.kernels = model->kernels,
                              .memory = model->memory,
                              .weights = weights,
                              .B = 1,
                              .T = model->context};
    ASSERT(pass.T <= model->longest);
    for (size_t b = 0; b < B; b++) {
        read_tokens(model, tokens + b * (pass.T + 1), 1, pass.T, true);
        if (!forward(model, &pass, true))
            return false;
        loss_sums[b] = head_loss(&model->head, &pass);
    }
    return true;
}

void model_logits(struct model *model, float *logits, const float *weights, const int32_t *tokens,
                  size_t n)
{
    const struct pass pass = {
        .kernels = model->kernels, .memory = model->memory, .weights = weights, .B = 1, .T = n};
    ASSERT(n > 0 && n <= model->longest);
    read_tokens(model, tokens, 1, n, false);
    forward(model, &pass, false);
    head_logits(&model->head, &pass, logits, model->memory->norm + (n - 1) * model->width);
}
