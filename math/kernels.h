/* The operations that a transformer is made of, as tables of functions.
 *
 * kernels_reference() is complete, naive and always built: the oracle of the tests. kernels_fast()
 * overrides what it can do better and leaves the rest to the reference. All kernels are Local,
 * allocate nothing and keep no state.
 *
 * Same inputs, same bits: a result depends on the values, the sizes and the number of threads,
 * never on where the arrays lie in memory. Every sum has a fixed order. NaN and infinity in an
 * input reach the output.
 *
 * Matrices are row-major. Outputs come first and are written, not added to, unless the comment says
 * "adds". Outputs do not overlap inputs unless the comment allows it. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernels {
    const char *name;

    /* c (m, n) = alpha * op(a) (m, k) * op(b) (k, n) + beta * c. op transposes where asked. ld* is
     * the distance between two rows as they are stored, in elements. With beta == 0 the old c is
     * not read. */
    void (*gemm)(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha,
                 const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                 size_t ldc);

    /* y (rows, columns) = x (rows, columns) + bias (columns) in every row. x or bias may be NULL
     * (zero); y may be x.
     */
    void (*add_rows)(float *y, const float *x, const float *bias, size_t rows, size_t columns);

    /* sums (columns) = the sum of the rows of x (rows, columns): the gradient of a bias. */
    void (*sum_rows)(float *sums, const float *x, size_t rows, size_t columns);

    /* y = (x - mean) * rstd * weight + bias for each row, with rstd = 1 / sqrt(variance + eps).
     * mean and rstd (rows) are kept for the backward pass. Ba, Kiros, Hinton, "Layer
     * normalization", 2016. */
    void (*layernorm)(float *y, float *mean, float *rstd, const float *x, const float *weight,
                      const float *bias, size_t rows, size_t columns, float eps);
    /* Adds to dx; writes dweight, dbias. */
    void (*layernorm_backward)(float *dx, float *dweight, float *dbias, const float *dy,
                               const float *x, const float *weight, const float *mean,
                               const float *rstd, size_t rows, size_t columns);

    /* y = x * rstd * weight for each row, with rstd = 1 / sqrt(mean of squares + eps). Zhang,
     * Sennrich, 2019. */
    void (*rmsnorm)(float *y, float *rstd, const float *x, const float *weight, size_t rows,
                    size_t columns, float eps);
    /* Adds to dx; writes dweight. */
    void (*rmsnorm_backward)(float *dx, float *dweight, const float *dy, const float *x,
                             const float *weight, const float *rstd, size_t rows, size_t columns);

    /* y = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))): GPT-2's approximation. */
    void (*gelu)(float *y, const float *x, size_t n);
    /* dx = dy * gelu'(x). dx may be dy. */
    void (*gelu_backward)(float *dx, const float *dy, const float *x, size_t n);

    /* y (rows, width) = silu(gate) * up, where a row of x (rows, 2*width) is gate, then up. */
    void (*swiglu)(float *y, const float *x, size_t rows, size_t width);
    /* dx (rows, 2*width) from dy (rows, width). */
    void (*swiglu_backward)(float *dx, const float *dy, const float *x, size_t rows, size_t width);

    /* Rotary positions in place, in halves as Hugging Face does it: row t of x (rows, heads*width,
     * distance of rows ld) belongs to position t. The pair (i, i + width/2) of each head is rotated
     * by the angle whose cosine and sine are given in cosine, sine (rows, width/2). inverse rotates
     * back, which is also the gradient. Su et al., "RoFormer", 2021. */
    void (*rotary)(float *x, size_t ld, const float *cosine, const float *sine, size_t rows,
                   size_t heads, size_t width, bool inverse);

    /* In place: row r of p (rows, columns, distance ld) is a query at position first + r. Elements
     * up to that position become their softmax, later ones 0. first + rows <= columns. */
    void (*softmax_causal)(float *p, size_t ld, size_t first, size_t rows, size_t columns);
    /* In place: dp, the gradient of the probabilities p, becomes the gradient of the scores; 0
     * after the position. */
    void (*softmax_causal_backward)(float *dp, const float *p, size_t ld, size_t first, size_t rows,
                                    size_t columns);

    /* Returns the sum over rows of -log(softmax(logits)[target]), in double and in row order.
     * Unless dlogits is NULL, writes scale * (softmax(logits) - onehot(target)) to it; dlogits may
     * be logits (rows, columns). 0 <= target < columns. */
    double (*cross_entropy)(float *dlogits, const float *logits, const int32_t *targets,
                            size_t rows, size_t columns, float scale);
};

const struct kernels *kernels_reference(void);
const struct kernels *kernels_fast(void);
const struct kernels *kernels_best(void); /* the one to train with */

/* Sets the number of threads of a matrix product, for the whole process. Another number may change
 * the last bits of results. */
void kernels_set_threads(int threads);

/* Writes one line that names everything that the bits of a result depend on besides its inputs and
 * sizes: two processes with the same line compute the same bits. precision is the name of
 * compute.precision. The line is cut off at size. */
void kernels_fingerprint(char *line, size_t size, const struct kernels *kernels,
                         const char *precision);
