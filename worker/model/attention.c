#include "worker/model/attention.h"

#include "math/kernels.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"
#include "worker/model/activations.h"
#include "worker/model/pass.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void attention_init(struct attention *attention, const struct layout *layout, int layer,
                    const Trireme__Model *config, const float *cosine, const float *sine)
{
    const bool bias = config->arch == TRIREME__MODEL__ARCH__gpt2 || config->attention_bias;
    char name[TENSOR_NAME_SIZE];
    *attention = (struct attention){.heads = config->heads,
                                    .kv_heads = config->kv_heads,
                                    .width = model_shape_head(config),
                                    .cosine = cosine,
                                    .sine = sine};
    snprintf(name, sizeof name, "layers.%d.attn.qkv", layer);
    linear_init(&attention->qkv, layout, name, bias);
    snprintf(name, sizeof name, "layers.%d.attn.out", layer);
    linear_init(&attention->out, layout, name, bias);
}

/* Where one head's parts of a sample begin in qkv (or dqkv): rows of distance ld. */
struct head_view {
    float *q, *k, *v; /* (T, D) each */
    size_t ld;
};

static struct head_view view(const struct attention *attention, float *qkv, size_t T, size_t b,
                             size_t h)
{
    const size_t D = attention->width, H = attention->heads, G = attention->kv_heads,
                 Q = (H + 2 * G) * D;
    const size_t g = h / (H / G);
    float *sample = qkv + b * T * Q;
    return (struct head_view){
        .q = sample + h * D, .k = sample + (H + g) * D, .v = sample + (H + G + g) * D, .ld = Q};
}

/* Writes the probabilities (rows, columns) of queries first..first+rows-1 over the keys before
 * columns = first + rows. */
static void probabilities(const struct pass *pass, float *p, struct head_view x, size_t D,
                          size_t first, size_t rows)
{
    const struct kernels *k = pass->kernels;
    const size_t columns = first + rows;
    const float scale = 1 / sqrtf((float)D);
    k->gemm(false, true, rows, columns, D, scale, x.q + first * x.ld, x.ld, x.k, x.ld, 0, p,
            columns);
    k->softmax_causal(p, columns, first, rows, columns);
}

/* Writes mix (T, D; distance A) of one head. */
static void head_forward(const struct pass *pass, float *mix, struct head_view x, size_t D,
                         size_t A)
{
    float *p = pass->memory->scores;
    for (size_t first = 0; first < pass->T; first += ATTENTION_ROWS) {
        const size_t rows = pass->T - first < ATTENTION_ROWS ? pass->T - first : ATTENTION_ROWS,
                     columns = first + rows;
        probabilities(pass, p, x, D, first, rows);
        pass->kernels->gemm(false, false, rows, D, columns, 1, p, columns, x.v, x.ld, 0,
                            mix + first * A, A);
    }
}

/* Writes dx.q and adds to dx.k, dx.v, from dmix (T, D; distance A) of one head. */
static void head_backward(const struct pass *pass, struct head_view dx, const float *dmix,
                          struct head_view x, size_t D, size_t A)
{
    const struct kernels *k = pass->kernels;
    const float scale = 1 / sqrtf((float)D);
    float *p = pass->memory->scores, *ds = pass->memory->dscores;
    for (size_t first = 0; first < pass->T; first += ATTENTION_ROWS) {
        const size_t rows = pass->T - first < ATTENTION_ROWS ? pass->T - first : ATTENTION_ROWS,
                     columns = first + rows;
        const float *q = x.q + first * x.ld, *dmix_first = dmix + first * A;
        probabilities(pass, p, x, D, first, rows);
        k->gemm(true, false, columns, D, rows, 1, p, columns, dmix_first, A, 1, dx.v, dx.ld);
        k->gemm(false, true, rows, columns, D, 1, dmix_first, A, x.v, x.ld, 0, ds, columns);
        k->softmax_causal_backward(ds, p, columns, first, rows, columns);
        k->gemm(false, false, rows, D, columns, scale, ds, columns, x.k, x.ld, 0,
                dx.q + first * dx.ld, dx.ld);
        k->gemm(true, false, columns, D, rows, scale, ds, columns, q, x.ld, 1, dx.k, dx.ld);
    }
}

/* Rotates queries and keys of every sample to their positions, or back. */
static void rotate(const struct attention *attention, const struct pass *pass, float *qkv,
                   bool inverse)
{
    const size_t D = attention->width, heads = attention->heads + attention->kv_heads,
                 Q = attention->qkv.outputs;
    for (size_t b = 0; attention->cosine && b < pass->B; b++)
        pass->kernels->rotary(qkv + b * pass->T * Q, Q, attention->cosine, attention->sine, pass->T,
                              heads, D, inverse);
}

void attention_forward(const struct attention *attention, const struct pass *pass,
                       const struct layer_activations *layer)
{
    const size_t B = pass->B, T = pass->T, D = attention->width, A = attention->heads * D;
    linear_forward(&attention->qkv, pass, layer->qkv, layer->norm1, NULL, B * T);
    rotate(attention, pass, layer->qkv, false);
    for (size_t b = 0; b < B; b++)
        for (size_t h = 0; h < attention->heads; h++)
            head_forward(pass, layer->mix + b * T * A + h * D, view(attention, layer->qkv, T, b, h),
                         D, A);
    linear_forward(&attention->out, pass, layer->middle, layer->mix, layer->x, B * T);
}

void attention_backward(const struct attention *attention, const struct pass *pass, float *dnorm,
                        const float *dy, const struct layer_activations *layer)
{
    const size_t B = pass->B, T = pass->T, D = attention->width, A = attention->heads * D;
    float *dmix = dnorm, *dqkv = pass->memory->dqkv; // dmix is read before dnorm is written
    linear_backward(&attention->out, pass, dmix, dy, layer->mix, B * T);
    memset(dqkv, 0,
           // the heads of a group add to their keys and values
           B * T * attention->qkv.outputs * sizeof *dqkv);
    for (size_t b = 0; b < B; b++)
        for (size_t h = 0; h < attention->heads; h++)
            head_backward(pass, view(attention, dqkv, T, b, h), dmix + b * T * A + h * D,
                          view(attention, layer->qkv, T, b, h), D, A);
    rotate(attention, pass, dqkv, true);
    linear_backward(&attention->qkv, pass, dnorm, dqkv, layer->norm1, B * T);
}
