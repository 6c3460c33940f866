#include "math/vector.h"

#include <math.h>
#include <string.h>

/* e^x without a branch, within 3 units in the last place for |x| <= 87; below -87 it is 0, above 87
 * it is e^87, NaN stays NaN. x = n ln 2 + r with |r| <= ln(2)/2; Taylor's series of e^r to the
 * seventh power (what it leaves out is below 6e-9); n goes into the exponent's bits. */
static inline float vector_exp(float x)
{
    const float shift =
        // 1.5 * 2^23: adding it rounds to a whole number, which is then in the lowest bits
        12582912.0f;
    const float ln2_high = 0.693145752f, ln2_low = 1.42860677e-6f; // n * ln2_high is exact
    const float y = x > 87.0f ? 87.0f : x;
    const float z = y < -87.0f ? -87.0f : y;
    const float shifted = z * 1.44269504f + shift, n = shifted - shift;
    const float r = (z - n * ln2_high) - n * ln2_low;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1;
    p = p * r + 1;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3f800000u;
    float power;
    memcpy(&power, &bits, sizeof power);
    return x < -87.0f ? 0 : p * power;
}

static inline float sigmoid(float x)
{
    return 1 / (1 + vector_exp(-x));
}

// x/2 (1 + tanh(u)) = x sigmoid(2u), 2u = x (A + B x^2): one exponential, and no cancellation for
// negative x. A = 2 sqrt(2/pi), B = 0.044715 A.
static const float GELU_A = 1.5957691216f, GELU_B = 0.0713548163f;

void vector_gelu(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * sigmoid(x[i] * (GELU_A + GELU_B * x[i] * x[i]));
}

void vector_gelu_backward(float *dx, const float *dy, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const float square = x[i] * x[i];
        const float s = sigmoid(x[i] * (GELU_A + GELU_B * square));
        dx[i] = dy[i] * (s + x[i] * s * (1 - s) * (GELU_A + 3 * GELU_B * square));
    }
}

void vector_swiglu(float *restrict y, const float *restrict x, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++) {
        const float *gate = x + 2 * r * width, *up = gate + width;
        float *y_r = y + r * width;
        for (size_t i = 0; i < width; i++)
            y_r[i] = gate[i] * sigmoid(gate[i]) * up[i];
    }
}

void vector_swiglu_backward(float *restrict dx, const float *restrict dy, const float *restrict x,
                            size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++) {
        const float *gate = x + 2 * r * width, *up = gate + width, *dy_r = dy + r * width;
        float *dgate = dx + 2 * r * width, *dup = dgate + width;
        for (size_t i = 0; i < width; i++) {
            const float s = sigmoid(gate[i]);
            dgate[i] = dy_r[i] * up[i] * s * (1 + gate[i] * (1 - s));
            dup[i] = dy_r[i] * gate[i] * s;
        }
    }
}

static float row_max(const float *x, size_t n)
{
    float lanes[LANES];
    size_t i = 0;
    for (size_t j = 0; j < LANES; j++)
        lanes[j] = x[0];
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
    for (size_t j = 0; i + j < n; j++)
        lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
    for (size_t j = 1; j < LANES; j++)
        lanes[0] = lanes[j] > lanes[0] ? lanes[j] : lanes[0];
    return lanes[0];
}

/* Returns the sum of e^(x - max). Writes the terms to y unless y is NULL; the sum has the same bits
 * in both cases. y may be x. */
static float row_exp(float *y, const float *x, float max, size_t n)
{
    float lanes[LANES] = {0};
    size_t i = 0;
    for (size_t j = 0; y && j < n; j++)
        y[j] = vector_exp(x[j] - max);
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            lanes[j] += y ? y[i + j] : vector_exp(x[i + j] - max);
    for (size_t j = 0; i + j < n; j++)
        lanes[j] += y ? y[i + j] : vector_exp(x[i + j] - max);
    return lanes_sum(lanes);
}

void vector_softmax_causal(float *p, size_t ld, size_t first, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++, p += ld) {
        const size_t n = first + r + 1;
        const float scale = 1 / row_exp(p, p, row_max(p, n), n);
        for (size_t i = 0; i < n; i++)
            p[i] *= scale;
        memset(p + n, 0, (columns - n) * sizeof *p);
    }
}

void vector_softmax_causal_backward(float *restrict dp, const float *restrict p, size_t ld,
                                    size_t first, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++, dp += ld, p += ld) {
        const size_t n = first + r + 1;
        float lanes[LANES] = {0};
        size_t i = 0;
        for (; i + LANES <= n; i += LANES)
            for (size_t j = 0; j < LANES; j++)
                lanes[j] += dp[i + j] * p[i + j];
        for (size_t j = 0; i + j < n; j++)
            lanes[j] += dp[i + j] * p[i + j];
        const float dot = lanes_sum(lanes);
        for (size_t k = 0; k < n; k++)
            dp[k] = p[k] * (dp[k] - dot);
        memset(dp + n, 0, (columns - n) * sizeof *dp);
    }
}

double vector_cross_entropy(float *dlogits, const float *logits, const int32_t *targets,
                            size_t rows, size_t columns, float scale)
{
    double loss = 0;
    for (size_t r = 0; r < rows; r++) {
        const float *x = logits + r * columns;
        float *dx = dlogits ? dlogits + r * columns : NULL;
        const float max = row_max(x, columns), chosen = x[targets[r]],
                    sum = row_exp(dx, x, max, columns);
        loss += log((double)sum) + ((double)max - (double)chosen);
        if (!dx)
            continue;
        const float factor = 1 / sum;
        dx[targets[r]] -= sum;
        for (size_t i = 0; i < columns; i++)
            dx[i] = dx[i] * factor * scale;
    }
    return loss;
}
