/* Private to math/: the loops of kernels_fast(), written so that gcc vectorises them
 * (vector_rows.c: sums and norms of rows; vector_exp.c: what needs an exponential). Meanings of the
 * functions: math/kernels.h.
 *
 * The terms of a sum are dealt to LANES partial sums (element i to lane i % LANES), which are then
 * added by halves: the order depends on the length alone, not on alignment or on the width of the
 * machine's vectors. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { LANES = 16 };

void vector_sum_rows(float *sums, const float *x, size_t rows, size_t columns);
void vector_layernorm(float *y, float *mean, float *rstd, const float *x, const float *weight,
                      const float *bias, size_t rows, size_t columns, float eps);
void vector_layernorm_backward(float *dx, float *dweight, float *dbias, const float *dy,
                               const float *x, const float *weight, const float *mean,
                               const float *rstd, size_t rows, size_t columns);
void vector_rmsnorm(float *y, float *rstd, const float *x, const float *weight, size_t rows,
                    size_t columns, float eps);
void vector_rmsnorm_backward(float *dx, float *dweight, const float *dy, const float *x,
                             const float *weight, const float *rstd, size_t rows, size_t columns);

void vector_gelu(float *y, const float *x, size_t n);
void vector_gelu_backward(float *dx, const float *dy, const float *x, size_t n);
void vector_swiglu(float *y, const float *x, size_t rows, size_t width);
void vector_swiglu_backward(float *dx, const float *dy, const float *x, size_t rows, size_t width);
void vector_softmax_causal(float *p, size_t ld, size_t first, size_t rows, size_t columns);
void vector_softmax_causal_backward(float *dp, const float *p, size_t ld, size_t first, size_t rows,
                                    size_t columns);
double vector_cross_entropy(float *dlogits, const float *logits, const int32_t *targets,
                            size_t rows, size_t columns, float scale);

/* Returns the sum of the lanes. Overwrites lanes. */
static inline float lanes_sum(float lanes[LANES])
{
    for (size_t width = LANES / 2; width > 0; width /= 2)
        for (size_t j = 0; j < width; j++)
            lanes[j] += lanes[j + width];
    return lanes[0];
}
