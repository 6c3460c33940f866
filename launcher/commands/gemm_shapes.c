#include "launcher/commands/gemm_shapes.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "math/kernels.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/tensor/model_shape.h"

#include <stdio.h>
#include <stdlib.h>

/* One product c (m, n) = op(a) op(b) over k. */
struct shape {
    char what[40];
    bool transpose_a, transpose_b;
    size_t m, n, k, times;
};

struct shapes {
    struct shape *rows;
    size_t n, room;
};

static void add(struct shapes *s, struct shape shape)
{
    s->rows = mem_grow(s->rows, s->n, &s->room, sizeof *s->rows);
    s->rows[s->n++] = shape;
}

/* The three products of y = x W^T: forward, gradient of x, gradient of W. */
static void add_linear(struct shapes *s, const char *name, size_t tokens, size_t out, size_t in,
                       size_t times)
{
    struct shape y = {"", false, true, tokens, out, in, times},
                 dx = {"", false, false, tokens, in, out, times},
                 dw = {"", true, false, out, in, tokens, times};
    snprintf(y.what, sizeof y.what, "%s", name);
    snprintf(dx.what, sizeof dx.what, "%s, gradient of input", name);
    snprintf(dw.what, sizeof dw.what, "%s, gradient", name);
    add(s, y), add(s, dx), add(s, dw);
}

static struct shapes shapes_of(const Trireme__Config *config)
{
    const Trireme__Model *m = config->model;
    const size_t B = config->train->microbatch, T = run_config_context(config), C = m->width,
                 L = m->layers, d = model_shape_head(m), all = m->heads * d;
    const size_t heads = B * m->heads * L,
                 up = m->arch == TRIREME__MODEL__ARCH__llama ? 2 * m->ffn : m->ffn;
    struct shapes s = {0};
    add_linear(&s, "attn.qkv", B * T, all + 2 * m->kv_heads * d, C, L);
    add_linear(&s, "attn.out", B * T, C, all, L);
    add_linear(&s, "mlp.up", B * T, up, C, L);
    add_linear(&s, "mlp.down", B * T, C, m->ffn, L);
    add_linear(&s, "head", B * T, m->vocab, C, 1);
    // causal: half of each is needed, and a product of half the rows has its operations
    const size_t half = T / 2 ? T / 2 : 1;
    add(&s, (struct shape){"scores (causal half)", false, true, half, T, d, heads});
    add(&s, (struct shape){"mixed values (causal half)", false, false, half, d, T, heads});
    add(&s, (struct shape){"scores and values, gradients", true, false, T, d, half, 4 * heads});
    return s;
}

static double measure(const struct shape *s, const struct kernels *kernels, double seconds)
{
    enum { SETS = 4 };
    float *a[SETS], *b[SETS], *c = mem_floats(s->m * s->n);
    for (int i = 0; i < SETS; i++) {
        a[i] = mem_floats(s->m * s->k), b[i] = mem_floats(s->k * s->n);
        for (size_t j = 0; j < s->m * s->k; j++)
            a[i][j] = (float)random_uniform((uint64_t)i, j) - 0.5f;
        for (size_t j = 0; j < s->k * s->n; j++)
            b[i][j] = (float)random_uniform((uint64_t)i + SETS, j) - 0.5f;
    }
    size_t n = 0, lda = s->transpose_a ? s->m : s->k, ldb = s->transpose_b ? s->k : s->n;
    // warms up
    kernels->gemm(s->transpose_a, s->transpose_b, s->m, s->n, s->k, 1, a[0], lda, b[0], ldb, 0, c,
                  s->n);
    double began = clock_now(), passed = 0;
    do {
        kernels->gemm(s->transpose_a, s->transpose_b, s->m, s->n, s->k, 1, a[n % SETS], lda,
                      b[n % SETS], ldb, 0, c, s->n);
        n++;
        passed = clock_now() - began;
    } while (passed < seconds);
    for (int i = 0; i < SETS; i++) {
        free(a[i]);
        free(b[i]);
    }
    free(c);
    return passed / (double)n;
}

void gemm_shapes_measure(Trireme__BenchGemmReply *reply, const Trireme__Config *config,
                         const struct kernels *kernels, double seconds)
{
    struct shapes s = shapes_of(config);
    reply->shapes = mem_new(s.n, sizeof *reply->shapes);
    double operations = 0, total = 0;
    for (size_t i = 0; i < s.n; i++) {
        const struct shape *shape = &s.rows[i];
        double one = measure(shape, kernels, seconds),
               flops = 2.0 * (double)shape->m * (double)shape->n * (double)shape->k;
        Trireme__GemmRate *rate = reply->shapes[reply->n_shapes++] =
            message_new(&trireme__gemm_rate__descriptor);
        rate->what = mem_strdup(shape->what);
        rate->has_m = 1, rate->m = shape->m;
        rate->has_n = 1, rate->n = shape->n;
        rate->has_k = 1, rate->k = shape->k;
        rate->has_times = 1, rate->times = shape->times;
        rate->has_gflops = 1, rate->gflops = 1e-9 * flops / one;
        operations += flops * (double)shape->times;
        total += one * (double)shape->times;
    }
    reply->has_gflops = 1, reply->gflops = 1e-9 * operations / total;
    free(s.rows);
}
