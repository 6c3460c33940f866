#include "math/vector.h"

#include <math.h>
#include <string.h>

static float row_sum(const float *x, size_t n)
{
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            lanes[j] += x[i + j];
    for (size_t j = 0; i + j < n; j++)
        lanes[j] += x[i + j];
    return lanes_sum(lanes);
}

/* Returns the sum of (x - centre)^2. */
static float row_squares(const float *x, float centre, size_t n)
{
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            lanes[j] += (x[i + j] - centre) * (x[i + j] - centre);
    for (size_t j = 0; i + j < n; j++)
        lanes[j] += (x[i + j] - centre) * (x[i + j] - centre);
    return lanes_sum(lanes);
}

static float row_dot(const float *x, const float *y, size_t n)
{
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            lanes[j] += x[i + j] * y[i + j];
    for (size_t j = 0; i + j < n; j++)
        lanes[j] += x[i + j] * y[i + j];
    return lanes_sum(lanes);
}

/* Returns the sum of x * y * (z - centre). */
static float row_dot_centred(const float *x, const float *y, const float *z, float centre, size_t n)
{
    float lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            lanes[j] += x[i + j] * y[i + j] * (z[i + j] - centre);
    for (size_t j = 0; i + j < n; j++)
        lanes[j] += x[i + j] * y[i + j] * (z[i + j] - centre);
    return lanes_sum(lanes);
}

// Four rows at a time: sums is read and written a quarter as often, and fewer roundings follow each
// other.
void vector_sum_rows(float *restrict sums, const float *restrict x, size_t rows, size_t columns)
{
    size_t r = 0;
    memset(sums, 0, columns * sizeof *sums);
    for (; r + 4 <= rows; r += 4) {
        const float *a = x + r * columns, *b = a + columns, *c = b + columns, *d = c + columns;
        for (size_t i = 0; i < columns; i++)
            sums[i] += (a[i] + b[i]) + (c[i] + d[i]);
    }
    for (; r < rows; r++)
        for (size_t i = 0; i < columns; i++)
            sums[i] += x[r * columns + i];
}

void vector_layernorm(float *restrict y, float *restrict mean, float *restrict rstd,
                      const float *restrict x, const float *restrict weight,
                      const float *restrict bias, size_t rows, size_t columns, float eps)
{
    const float n = (float)columns;
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
        const float m = row_sum(x, columns) / n;
        const float s = 1 / sqrtf(row_squares(x, m, columns) / n + eps);
        for (size_t i = 0; i < columns; i++)
            y[i] = (x[i] - m) * s * weight[i] + bias[i];
        mean[r] = m;
        rstd[r] = s;
    }
}

void vector_layernorm_backward(float *restrict dx, float *restrict dweight, float *restrict dbias,
                               const float *restrict dy, const float *restrict x,
                               const float *restrict weight, const float *restrict mean,
                               const float *restrict rstd, size_t rows, size_t columns)
{
    const float n = (float)columns;
    memset(dweight, 0, columns * sizeof *dweight);
    memset(dbias, 0, columns * sizeof *dbias);
    for (size_t r = 0; r < rows; r++, dx += columns, dy += columns, x += columns) {
        const float m = mean[r], s = rstd[r];
        const float average = row_dot(dy, weight, columns) / n;
        const float slope = row_dot_centred(dy, weight, x, m, columns) * s / n;
        for (size_t i = 0; i < columns; i++) {
            const float norm = (x[i] - m) * s;
            dx[i] += s * (dy[i] * weight[i] - average - norm * slope);
            dweight[i] += dy[i] * norm;
            dbias[i] += dy[i];
        }
    }
}

void vector_rmsnorm(float *restrict y, float *restrict rstd, const float *restrict x,
                    const float *restrict weight, size_t rows, size_t columns, float eps)
{
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
        const float s = 1 / sqrtf(row_squares(x, 0, columns) / (float)columns + eps);
        for (size_t i = 0; i < columns; i++)
            y[i] = x[i] * s * weight[i];
        rstd[r] = s;
    }
}

void vector_rmsnorm_backward(float *restrict dx, float *restrict dweight, const float *restrict dy,
                             const float *restrict x, const float *restrict weight,
                             const float *restrict rstd, size_t rows, size_t columns)
{
    memset(dweight, 0, columns * sizeof *dweight);
    for (size_t r = 0; r < rows; r++, dx += columns, dy += columns, x += columns) {
        const float s = rstd[r];
        const float slope = row_dot_centred(dy, weight, x, 0, columns) * s / (float)columns;
        for (size_t i = 0; i < columns; i++) {
            const float norm = x[i] * s;
            dx[i] += s * (dy[i] * weight[i] - norm * slope);
            dweight[i] += dy[i] * norm;
        }
    }
}
