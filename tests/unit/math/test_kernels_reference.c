/* Every backward kernel of the reference against differences of its forward kernel: along random
 * directions u, (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h with f(s) = sum of c * kernel(x + s u)
 * added in double. */
#include "tests/unit/support.h"

#include "base/random.h"
#include "math/kernels.h"

#include <math.h>

enum { ROWS = 4, COLUMNS = 6, N = ROWS * COLUMNS, N_DIRECTIONS = 8 };
static const double H = 1.0 / 64,
                    TOLERANCE = 2e-4; /* of floats that are rounded to 6e-8, divided by H */

static float norm_weight[COLUMNS], norm_bias[COLUMNS];
static const int32_t TARGETS[ROWS] = {5, 0, 2, 2};
static const float COSINE[ROWS] = {1, 0.6f, 0.8f, 0}, SINE[ROWS] = {0, 0.8f, -0.6f, 1};

static void fill(float *x, size_t n, uint64_t stream)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)random_normal(stream, i);
}

typedef void forward_fn(float *y, const float *x);

static double weighed(forward_fn *forward, const float *c, size_t n_y, const float *x,
                      const float *u, size_t n_x, double s)
{
    float moved[2 * N], y[2 * N];
    double sum = 0;
    for (size_t i = 0; i < n_x; i++)
        moved[i] = x[i] + (float)s * u[i];
    forward(y, moved);
    for (size_t i = 0; i < n_y; i++)
        sum += (double)c[i] * (double)y[i];
    return sum;
}

/* dx is the gradient for x of the sum of c * forward(x). */
static void check(forward_fn *forward, const float *c, size_t n_y, const float *x, const float *dx,
                  size_t n_x)
{
    for (uint64_t d = 0; d < N_DIRECTIONS; d++) {
        float u[2 * N];
        double along = 0, size = 0;
        fill(u, n_x, 100 + d);
        for (size_t i = 0; i < n_x; i++) {
            along += (double)u[i] * (double)dx[i];
            size += (double)dx[i] * (double)dx[i];
        }
        double one =
            weighed(forward, c, n_y, x, u, n_x, H) - weighed(forward, c, n_y, x, u, n_x, -H);
        double two = weighed(forward, c, n_y, x, u, n_x, 2 * H) -
                     weighed(forward, c, n_y, x, u, n_x, -2 * H);
        double found = (8 * one - two) / (12 * H);
        if (!(fabs(found - along) <= TOLERANCE * (1 + sqrt(size))))
            fail_msg("direction %d: the differences give %.9g, the gradient %.9g", (int)d, found,
                     along);
    }
}

static void layernorm_of_x(float *y, const float *x)
{
    float mean[ROWS], rstd[ROWS];
    kernels_reference()->layernorm(y, mean, rstd, x, norm_weight, norm_bias, ROWS, COLUMNS, 1e-5f);
}

static const float *fixed_x;

static void layernorm_of_parameters(float *y, const float *p)
{
    float mean[ROWS], rstd[ROWS];
    kernels_reference()->layernorm(y, mean, rstd, fixed_x, p, p + COLUMNS, ROWS, COLUMNS, 1e-5f);
}

static void layernorm_backward_is_the_gradient(void **state)
{
    (void)state;
    float x[N], c[N], y[N], mean[ROWS], rstd[ROWS], dx[N] = {0}, dp[2 * COLUMNS], p[2 * COLUMNS];
    fill(x, N, 1);
    fill(c, N, 2);
    kernels_reference()->layernorm(y, mean, rstd, x, norm_weight, norm_bias, ROWS, COLUMNS, 1e-5f);
    kernels_reference()->layernorm_backward(dx, dp, dp + COLUMNS, c, x, norm_weight, mean, rstd,
                                            ROWS, COLUMNS);
    check(layernorm_of_x, c, N, x, dx, N);
    memcpy(p, norm_weight, sizeof norm_weight);
    memcpy(p + COLUMNS, norm_bias, sizeof norm_bias);
    fixed_x = x;
    check(layernorm_of_parameters, c, N, p, dp, 2 * COLUMNS);
    fixed_x = NULL;
}

static void rmsnorm_of_x(float *y, const float *x)
{
    float rstd[ROWS];
    kernels_reference()->rmsnorm(y, rstd, x, norm_weight, ROWS, COLUMNS, 1e-5f);
}

static void rmsnorm_of_parameters(float *y, const float *p)
{
    float rstd[ROWS];
    kernels_reference()->rmsnorm(y, rstd, fixed_x, p, ROWS, COLUMNS, 1e-5f);
}

static void rmsnorm_backward_is_the_gradient(void **state)
{
    (void)state;
    float x[N], c[N], y[N], rstd[ROWS], dx[N] = {0}, dweight[COLUMNS];
    fill(x, N, 3);
    fill(c, N, 4);
    kernels_reference()->rmsnorm(y, rstd, x, norm_weight, ROWS, COLUMNS, 1e-5f);
    kernels_reference()->rmsnorm_backward(dx, dweight, c, x, norm_weight, rstd, ROWS, COLUMNS);
    check(rmsnorm_of_x, c, N, x, dx, N);
    fixed_x = x;
    check(rmsnorm_of_parameters, c, N, norm_weight, dweight, COLUMNS);
    fixed_x = NULL;
}

static void gelu_of(float *y, const float *x)
{
    kernels_reference()->gelu(y, x, N);
}

static void gelu_backward_is_the_gradient(void **state)
{
    (void)state;
    float x[N], c[N], dx[N];
    fill(x, N, 5);
    fill(c, N, 6);
    kernels_reference()->gelu_backward(dx, c, x, N);
    check(gelu_of, c, N, x, dx, N);
}

static void swiglu_of(float *y, const float *x)
{
    kernels_reference()->swiglu(y, x, ROWS, COLUMNS);
}

static void swiglu_backward_is_the_gradient(void **state)
{
    (void)state;
    float x[2 * N], c[N], dx[2 * N];
    fill(x, 2 * N, 7);
    fill(c, N, 8);
    kernels_reference()->swiglu_backward(dx, c, x, ROWS, COLUMNS);
    check(swiglu_of, c, N, x, dx, 2 * N);
}

static void rotary_of(float *y, const float *x)
{
    memcpy(y, x, N * sizeof *y);
    kernels_reference()->rotary(y, COLUMNS, COSINE, SINE, ROWS, COLUMNS / 2, 2, false);
}

static void rotary_turned_back_is_the_gradient(void **state)
{
    (void)state;
    float x[N], c[N], dx[N];
    fill(x, N, 9);
    fill(c, N, 10);
    memcpy(dx, c, sizeof dx);
    kernels_reference()->rotary(dx, COLUMNS, COSINE, SINE, ROWS, COLUMNS / 2, 2, true);
    check(rotary_of, c, N, x, dx, N);
}

static void softmax_of(float *y, const float *x)
{
    memcpy(y, x, N * sizeof *y);
    kernels_reference()->softmax_causal(y, COLUMNS, 1, ROWS, COLUMNS);
}

static void softmax_backward_is_the_gradient(void **state)
{
    (void)state;
    float x[N], c[N], p[N], dx[N];
    fill(x, N, 11);
    fill(c, N, 12);
    softmax_of(p, x);
    memcpy(dx, c, sizeof dx);
    kernels_reference()->softmax_causal_backward(dx, p, COLUMNS, 1, ROWS, COLUMNS);
    check(softmax_of, c, N, x, dx, N);
}

static void cross_entropy_of(float *y, const float *x)
{
    *y = (float)kernels_reference()->cross_entropy(NULL, x, TARGETS, ROWS, COLUMNS, 0);
}

static void cross_entropy_gives_its_gradient(void **state)
{
    (void)state;
    float x[N], dx[N], c = 0.5f;
    fill(x, N, 13);
    kernels_reference()->cross_entropy(dx, x, TARGETS, ROWS, COLUMNS, c);
    check(cross_entropy_of, &c, 1, x, dx, N);
}

static int fill_norm(void **state)
{
    (void)state;
    fill(norm_weight, COLUMNS, 20);
    fill(norm_bias, COLUMNS, 21);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layernorm_backward_is_the_gradient),
        cmocka_unit_test(rmsnorm_backward_is_the_gradient),
        cmocka_unit_test(gelu_backward_is_the_gradient),
        cmocka_unit_test(swiglu_backward_is_the_gradient),
        cmocka_unit_test(rotary_turned_back_is_the_gradient),
        cmocka_unit_test(softmax_backward_is_the_gradient),
        cmocka_unit_test(cross_entropy_gives_its_gradient),
    };
    return cmocka_run_group_tests(tests, fill_norm, NULL);
}
