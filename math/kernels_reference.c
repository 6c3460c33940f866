#include "math/kernels_reference.h"

#include "math/kernels.h"

#include <math.h>

void kernels_reference_gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                            float alpha, const float *a, size_t lda, const float *b, size_t ldb,
                            float beta, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t l = 0; l < k; l++) {
                float a_il = transpose_a ? a[l * lda + i] : a[i * lda + l];
                float b_lj = transpose_b ? b[j * ldb + l] : b[l * ldb + j];
                sum += (double)a_il * (double)b_lj;
            }
            double old = beta == 0 ? 0 : (double)beta * (double)c[i * ldc + j];
            c[i * ldc + j] = (float)((double)alpha * sum + old);
        }
}

void kernels_reference_add_rows(float *y, const float *x, const float *bias, size_t rows,
                                size_t columns)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < columns; i++)
            y[r * columns + i] = (x ? x[r * columns + i] : 0) + (bias ? bias[i] : 0);
}

static void sum_rows(float *sums, const float *x, size_t rows, size_t columns)
{
    for (size_t i = 0; i < columns; i++) {
        double sum = 0;
        for (size_t r = 0; r < rows; r++)
            sum += (double)x[r * columns + i];
        sums[i] = (float)sum;
    }
}

static void layernorm(float *y, float *mean, float *rstd, const float *x, const float *weight,
                      const float *bias, size_t rows, size_t columns, float eps)
{
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < columns; i++)
            sum += (double)x[i];
        double m = sum / (double)columns;
        for (size_t i = 0; i < columns; i++)
            squares += ((double)x[i] - m) * ((double)x[i] - m);
        double s = 1 / sqrt(squares / (double)columns + (double)eps);
        for (size_t i = 0; i < columns; i++)
            y[i] = (float)(((double)x[i] - m) * s) * weight[i] + bias[i];
        mean[r] = (float)m;
        rstd[r] = (float)s;
    }
}

static void layernorm_backward(float *dx, float *dweight, float *dbias, const float *dy,
                               const float *x, const float *weight, const float *mean,
                               const float *rstd, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++) {
        const float *x_r = x + r * columns, *dy_r = dy + r * columns;
        double sum = 0, dot = 0;
        for (size_t i = 0; i < columns; i++) {
            double dnorm = (double)dy_r[i] * (double)weight[i];
            sum += dnorm;
            dot += dnorm * (double)(x_r[i] - mean[r]) * (double)rstd[r];
        }
        for (size_t i = 0; i < columns; i++) {
            double dnorm = (double)dy_r[i] * (double)weight[i],
                   norm = (double)(x_r[i] - mean[r]) * (double)rstd[r];
            dx[r * columns + i] +=
                (float)((double)rstd[r] * (dnorm - (sum + norm * dot) / (double)columns));
        }
    }
    for (size_t i = 0; i < columns; i++) {
        double dw = 0;
        for (size_t r = 0; r < rows; r++)
            dw += (double)dy[r * columns + i] * (double)(x[r * columns + i] - mean[r]) *
                  (double)rstd[r];
        dweight[i] = (float)dw;
    }
    sum_rows(dbias, dy, rows, columns);
}

static void rmsnorm(float *y, float *rstd, const float *x, const float *weight, size_t rows,
                    size_t columns, float eps)
{
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
        double squares = 0;
        for (size_t i = 0; i < columns; i++)
            squares += (double)x[i] * (double)x[i];
        double s = 1 / sqrt(squares / (double)columns + (double)eps);
        for (size_t i = 0; i < columns; i++)
            y[i] = (float)((double)x[i] * s) * weight[i];
        rstd[r] = (float)s;
    }
}

static void rmsnorm_backward(float *dx, float *dweight, const float *dy, const float *x,
                             const float *weight, const float *rstd, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++) {
        const float *x_r = x + r * columns, *dy_r = dy + r * columns;
        double dot = 0;
        for (size_t i = 0; i < columns; i++)
            dot += (double)dy_r[i] * (double)weight[i] * (double)x_r[i] * (double)rstd[r];
        for (size_t i = 0; i < columns; i++) {
            double dnorm = (double)dy_r[i] * (double)weight[i],
                   norm = (double)x_r[i] * (double)rstd[r];
            dx[r * columns + i] +=
                (float)((double)rstd[r] * (dnorm - norm * dot / (double)columns));
        }
    }
    for (size_t i = 0; i < columns; i++) {
        double dw = 0;
        for (size_t r = 0; r < rows; r++)
            dw += (double)dy[r * columns + i] * (double)x[r * columns + i] * (double)rstd[r];
        dweight[i] = (float)dw;
    }
}

static const float SQRT_2_OVER_PI = 0.7978845608f;

static void gelu(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = 0.5f * x[i] * (1 + tanhf(SQRT_2_OVER_PI * (x[i] + 0.044715f * x[i] * x[i] * x[i])));
}

static void gelu_backward(float *dx, const float *dy, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float t = tanhf(SQRT_2_OVER_PI * (x[i] + 0.044715f * x[i] * x[i] * x[i]));
        float dt = (1 - t * t) * SQRT_2_OVER_PI * (1 + 3 * 0.044715f * x[i] * x[i]);
        dx[i] = dy[i] * 0.5f * (1 + t + x[i] * dt);
    }
}

static void swiglu(float *y, const float *x, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < width; i++) {
            float gate = x[r * 2 * width + i], up = x[r * 2 * width + width + i];
            y[r * width + i] = gate / (1 + expf(-gate)) * up;
        }
}

static void swiglu_backward(float *dx, const float *dy, const float *x, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < width; i++) {
            float gate = x[r * 2 * width + i], up = x[r * 2 * width + width + i],
                  d = dy[r * width + i];
            float s = 1 / (1 + expf(-gate));
            dx[r * 2 * width + i] = d * up * s * (1 + gate * (1 - s));
            dx[r * 2 * width + width + i] = d * gate * s;
        }
}

void kernels_reference_rotary(float *x, size_t ld, const float *cosine, const float *sine,
                              size_t rows, size_t heads, size_t width, bool inverse)
{
    const size_t half = width / 2;
    for (size_t t = 0; t < rows; t++)
        for (size_t h = 0; h < heads; h++) {
            float *low = x + t * ld + h * width, *high = low + half;
            for (size_t i = 0; i < half; i++) {
                float c = cosine[t * half + i],
                      s = inverse ? -sine[t * half + i] : sine[t * half + i];
                float a = low[i], b = high[i];
                low[i] = a * c - b * s;
                high[i] = b * c + a * s;
            }
        }
}

/* y (n) = softmax(x); returns the logarithm of the sum of the exponentials of x. */
static double softmax(float *y, const float *x, size_t n)
{
    float max = x[0];
    double sum = 0;
    for (size_t i = 1; i < n; i++)
        max = x[i] > max ? x[i] : max;
    for (size_t i = 0; i < n; i++)
        sum += (double)expf(x[i] - max);
    for (size_t i = 0; y && i < n; i++)
        y[i] = (float)((double)expf(x[i] - max) / sum);
    return log(sum) + (double)max;
}

static void softmax_causal(float *p, size_t ld, size_t first, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++, p += ld) {
        size_t n = first + r + 1;
        softmax(p, p, n);
        for (size_t i = n; i < columns; i++)
            p[i] = 0;
    }
}

static void softmax_causal_backward(float *dp, const float *p, size_t ld, size_t first, size_t rows,
                                    size_t columns)
{
    for (size_t r = 0; r < rows; r++, dp += ld, p += ld) {
        size_t n = first + r + 1;
        double dot = 0;
        for (size_t i = 0; i < n; i++)
            dot += (double)dp[i] * (double)p[i];
        for (size_t i = 0; i < columns; i++)
            dp[i] = i < n ? (float)((double)p[i] * ((double)dp[i] - dot)) : 0;
    }
}

static double cross_entropy(float *dlogits, const float *logits, const int32_t *targets,
                            size_t rows, size_t columns, float scale)
{
    double loss = 0;
    for (size_t r = 0; r < rows; r++) {
        const float *x = logits + r * columns;
        float *dx = dlogits ? dlogits + r * columns : NULL, chosen = x[targets[r]];
        loss += softmax(dx, x, columns) - (double)chosen;
        if (!dx)
            continue;
        dx[targets[r]] -= 1;
        for (size_t i = 0; i < columns; i++)
            dx[i] *= scale;
    }
    return loss;
}

const struct kernels *kernels_reference(void)
{
    // clang-format off
    static const struct kernels reference = {
        .name                    = "reference",
        .gemm                    = kernels_reference_gemm,
        .add_rows                = kernels_reference_add_rows,
        .sum_rows                = sum_rows,
        .layernorm               = layernorm,
        .layernorm_backward      = layernorm_backward,
        .rmsnorm                 = rmsnorm,
        .rmsnorm_backward        = rmsnorm_backward,
        .gelu                    = gelu,
        .gelu_backward           = gelu_backward,
        .swiglu                  = swiglu,
        .swiglu_backward         = swiglu_backward,
        .rotary                  = kernels_reference_rotary,
        .softmax_causal          = softmax_causal,
        .softmax_causal_backward = softmax_causal_backward,
        .cross_entropy           = cross_entropy,
    };
    // clang-format on
    return &reference;
}
