#include "worker/model/activations.h"

#include "base/mem.h"
#include "proto/tensor/model_shape.h"

#include <stdbool.h>
#include <stdlib.h>

enum { HEAD_ELEMENTS = 1 << 25, LINE = 16 }; // 128 MiB of logits at most; floats of a cache line

/* Returns the next n floats of the arena. While arena is NULL they are only counted. */
static float *take(float *arena, size_t *used, size_t n)
{
    float *p = arena ? arena + *used : NULL;
    *used += (n + LINE - 1) / LINE * LINE;
    return p;
}

static void take_layer(struct layer_activations *layer, float *arena, size_t *used,
                       const Trireme__Model *config, size_t N)
{
    const size_t C = config->width, F = config->ffn;
    const size_t D = model_shape_head(config), A = config->heads * D;
    const size_t Q = A + 2 * config->kv_heads * D;
    const size_t U = config->arch == TRIREME__MODEL__ARCH__llama ? 2 * F : F;
    layer->x = take(arena, used, N * C);
    layer->norm1 = take(arena, used, N * C);
    layer->mean1 = take(arena, used, N);
    layer->rstd1 = take(arena, used, N);
    layer->qkv = take(arena, used, N * Q);
    layer->mix = take(arena, used, N * A);
    layer->middle = take(arena, used, N * C);
    layer->norm2 = take(arena, used, N * C);
    layer->mean2 = take(arena, used, N);
    layer->rstd2 = take(arena, used, N);
    layer->up = take(arena, used, N * U);
    layer->act = take(arena, used, N * F);
}

/* Places everything in the arena and returns the floats that it takes. */
static size_t take_all(struct activations *a, float *arena, const Trireme__Model *config, size_t N,
                       size_t T)
{
    const size_t C = config->width, F = config->ffn, V = config->vocab;
    const size_t D = model_shape_head(config), A = config->heads * D;
    const size_t Q = A + 2 * config->kv_heads * D;
    const size_t U = config->arch == TRIREME__MODEL__ARCH__llama ? 2 * F : F;
    size_t used = 0;
    for (size_t l = 0; l < config->layers; l++)
        take_layer(&a->layers[l], arena, &used, config, N);
    a->layers[config->layers].x = take(arena, &used, N * C);
    a->norm = take(arena, &used, N * C);
    a->mean = take(arena, &used, N);
    a->rstd = take(arena, &used, N);
    a->logits = take(arena, &used, a->head_rows * V);
    a->dx = take(arena, &used, N * C);
    a->dbranch = take(arena, &used, N * (A > C ? A : C));
    a->dqkv = take(arena, &used, N * Q);
    a->dup = take(arena, &used, N * U);
    a->dact = U == F ? a->dup : take(arena, &used, N * F);
    a->scores = take(arena, &used, ATTENTION_ROWS * T);
    a->dscores = take(arena, &used, ATTENTION_ROWS * T);
    return used;
}

struct activations *activations_new(const Trireme__Model *config, size_t rows, size_t longest)
{
    const size_t N = rows, head_rows = HEAD_ELEMENTS / config->vocab;
    struct activations *a = mem_new(1, sizeof *a);
    a->layers = mem_new(config->layers + 1, sizeof *a->layers);
    a->inputs = mem_new(N, sizeof *a->inputs);
    a->targets = mem_new(N, sizeof *a->targets);
    a->head_rows = head_rows < N ? head_rows : N;
    a->arena = mem_floats(take_all(a, NULL, config, N, longest));
    take_all(a, a->arena, config, N, longest);
    return a;
}

void activations_free(struct activations *activations)
{
    if (!activations)
        return;
    free(activations->layers);
    free(activations->inputs);
    free(activations->targets);
    free(activations->arena);
    free(activations);
}
