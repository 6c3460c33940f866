/* The fast kernels against the reference, and the reference against plainer arithmetic. */
#include "tests/unit/math/kernels_fixture.h"

#include "base/mem.h"
#include "base/random.h"
#include "math/kernels.h"

#include <math.h>

static const size_t SIZES[] = {1, 3, 17, 64, 100};
enum { N_SIZES = sizeof SIZES / sizeof *SIZES };

/* Inputs a, b, c and two outputs with room for two more each, for comparing two kernels. */
struct outputs_fixture {
    float *a, *b, *c, *w, *out[2][3];
    size_t n;
};

static struct outputs_fixture outputs_fixture_new(size_t n)
{
    struct outputs_fixture t = {.a = random_floats(1, n),
                                .b = random_floats(2, n),
                                .c = random_floats(3, n),
                                .w = random_floats(4, n),
                                .n = n};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 3; i++)
            t.out[k][i] = random_floats(5, n); // equal contents: some kernels add
    return t;
}

static void outputs_fixture_free(struct outputs_fixture *t)
{
    free(t->a);
    free(t->b);
    free(t->c);
    free(t->w);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 3; i++)
            free(t->out[k][i]);
}

/* The outputs of the second kernel lie within the tolerance of those of the first. */
static void check_outputs(const struct outputs_fixture *t, double absolute, double relative)
{
    for (int i = 0; i < 3; i++)
        assert_floats_near(t->out[1][i], t->out[0][i], t->n, absolute, relative);
}

struct product {
    bool ta, tb;
    size_t m, n, k, lda, ldb, ldc;
};

/* Product number i of all sizes and transpositions, with rows that lie apart. */
static struct product product_of(size_t i)
{
    struct product p = {.ta = i & 1, .tb = i & 2};
    i /= 4;
    p.m = SIZES[i % N_SIZES];
    p.n = SIZES[i / N_SIZES % N_SIZES];
    p.k = SIZES[i / N_SIZES / N_SIZES];
    p.lda = (p.ta ? p.m : p.k) + 2;
    p.ldb = (p.tb ? p.k : p.n) + 5;
    p.ldc = p.n + 1;
    return p;
}

enum { N_PRODUCTS = 4 * N_SIZES * N_SIZES * N_SIZES, PRODUCT_SIZE = 106 * 106 };

static void multiply(const struct kernels *k, float *c, struct product p, float alpha,
                     const float *a, const float *b, float beta)
{
    k->gemm(p.ta, p.tb, p.m, p.n, p.k, alpha, a, p.lda, b, p.ldb, beta, c, p.ldc);
}

static void reference_gemm_is_a_triple_loop_in_double(void **state)
{
    (void)state;
    float *a = random_floats(1, PRODUCT_SIZE), *b = random_floats(2, PRODUCT_SIZE),
          *old = random_floats(3, PRODUCT_SIZE);
    float *c = mem_floats(PRODUCT_SIZE);
    for (size_t i = 0; i < N_PRODUCTS; i++) {
        struct product p = product_of(i);
        memcpy(c, old, PRODUCT_SIZE * sizeof *c);
        multiply(kernels_reference(), c, p, 1.5f, a, b, 0.5f);
        for (size_t r = 0; r < p.m; r++)
            for (size_t s = 0; s < p.n; s++) {
                double sum = 0;
                for (size_t l = 0; l < p.k; l++)
                    sum += (double)a[p.ta ? l * p.lda + r : r * p.lda + l] *
                           (double)b[p.tb ? s * p.ldb + l : l * p.ldb + s];
                old[r * p.ldc + s] = (float)(1.5 * sum + 0.5 * (double)old[r * p.ldc + s]);
            }
        // also: nothing between the rows is touched
        assert_floats_near(c, old, PRODUCT_SIZE, 1e-6, 1e-6);
    }
    free(a);
    free(b);
    free(old);
    free(c);
}

static void fast_gemm_is_the_references(void **state)
{
    (void)state;
    struct outputs_fixture t = outputs_fixture_new(PRODUCT_SIZE);
    for (size_t i = 0; i < N_PRODUCTS; i++) {
        for (int k = 0; k < 2; k++)
            multiply(kernels_fixture(k), t.out[k][0], product_of(i), 0.125f, t.a, t.b,
                     i % 3 ? 0.5f : 0);
        check_outputs(&t, 2e-5, 1e-5);
    }
    outputs_fixture_free(&t);
}

static void gemm_with_beta_zero_does_not_read_the_old_values(void **state)
{
    (void)state;
    float *a = random_floats(1, PRODUCT_SIZE), *b = random_floats(2, PRODUCT_SIZE),
          *c = mem_floats(PRODUCT_SIZE);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < N_PRODUCTS; i++) {
            struct product p = product_of(i);
            for (size_t j = 0; j < PRODUCT_SIZE; j++)
                c[j] = NAN;
            multiply(kernels_fixture(k), c, p, 1, a, b, 0);
            for (size_t j = 0; j < p.m * p.n; j++)
                assert_false(isnan(c[j / p.n * p.ldc + j % p.n]));
        }
    free(a);
    free(b);
    free(c);
}

/* Runs check on every pair of rows and columns. */
static void for_all_shapes(void (*check)(struct outputs_fixture *t, size_t rows, size_t columns))
{
    for (size_t i = 0; i < N_SIZES * N_SIZES; i++) {
        size_t rows = SIZES[i / N_SIZES], columns = SIZES[i % N_SIZES];
        struct outputs_fixture t = outputs_fixture_new(2 * rows * columns + 200);
        check(&t, rows, columns);
        outputs_fixture_free(&t);
    }
}

static void check_rows(struct outputs_fixture *t, size_t rows, size_t columns)
{
    for (int k = 0; k < 2; k++) {
        kernels_fixture(k)->add_rows(t->out[k][0], t->a, t->b, rows, columns);
        kernels_fixture(k)->add_rows(t->out[k][1], NULL, t->b, rows, columns);
        kernels_fixture(k)->sum_rows(t->out[k][2], t->a, rows, columns);
    }
    check_outputs(t, 1e-5, 1e-6);
}

static void fast_row_sums_are_the_references(void **state)
{
    (void)state;
    for_all_shapes(check_rows);
}

static void check_layernorm(struct outputs_fixture *t, size_t rows, size_t columns)
{
    float *mean = mem_floats(rows), *rstd = mem_floats(rows);
    for (int k = 0; k < 2; k++)
        kernels_fixture(k)->layernorm(t->out[k][0], t->out[k][1], t->out[k][2], t->a, t->w, t->b,
                                      rows, columns, 1e-2f);
    check_outputs(t, 1e-5, 1e-5);
    memcpy(mean, t->out[0][1], rows * sizeof *mean);
    memcpy(rstd, t->out[0][2], rows * sizeof *rstd);
    for (int k = 0; k < 2; k++)
        kernels_fixture(k)->layernorm_backward(t->out[k][0], t->out[k][1], t->out[k][2], t->c, t->a,
                                               t->w, mean, rstd, rows, columns);
    check_outputs(t, 2e-5, 1e-5);
    free(mean);
    free(rstd);
}

static void fast_layernorm_is_the_references(void **state)
{
    (void)state;
    for_all_shapes(check_layernorm);
}

static void check_rmsnorm(struct outputs_fixture *t, size_t rows, size_t columns)
{
    for (int k = 0; k < 2; k++)
        kernels_fixture(k)->rmsnorm(t->out[k][0], t->out[k][1], t->a, t->w, rows, columns, 1e-2f);
    check_outputs(t, 1e-5, 1e-5);
    float *rstd = mem_floats(rows);
    memcpy(rstd, t->out[0][1], rows * sizeof *rstd);
    for (int k = 0; k < 2; k++)
        kernels_fixture(k)->rmsnorm_backward(t->out[k][0], t->out[k][1], t->c, t->a, t->w, rstd,
                                             rows, columns);
    check_outputs(t, 2e-5, 1e-5);
    free(rstd);
}

static void fast_rmsnorm_is_the_references(void **state)
{
    (void)state;
    for_all_shapes(check_rmsnorm);
}

static void check_gelu(struct outputs_fixture *t, size_t rows, size_t columns)
{
    for (int k = 0; k < 2; k++) {
        kernels_fixture(k)->gelu(t->out[k][0], t->a, rows * columns);
        kernels_fixture(k)->gelu_backward(t->out[k][1], t->c, t->a, rows * columns);
        memcpy(t->out[k][2], t->c, rows * columns * sizeof(float));
        kernels_fixture(k)->gelu_backward(t->out[k][2], t->out[k][2], t->a,
                                          rows * columns); // in place
        assert_memory_equal(t->out[k][1], t->out[k][2], rows * columns * sizeof(float));
    }
    check_outputs(t, 1e-6, 1e-6);
}

static void fast_gelu_is_the_references(void **state)
{
    (void)state;
    for_all_shapes(check_gelu);
}

static void check_swiglu(struct outputs_fixture *t, size_t rows, size_t columns)
{
    for (int k = 0; k < 2; k++) {
        kernels_fixture(k)->swiglu(t->out[k][0], t->a, rows, columns);
        kernels_fixture(k)->swiglu_backward(t->out[k][1], t->c, t->a, rows, columns);
    }
    check_outputs(t, 1e-6, 2e-6);
}

static void fast_swiglu_is_the_references(void **state)
{
    (void)state;
    for_all_shapes(check_swiglu);
}

static void check_softmax(struct outputs_fixture *t, size_t rows, size_t columns)
{
    if (rows > columns)
        return;
    size_t first = (columns - rows) / 2;
    for (int k = 0; k < 2; k++) {
        memcpy(t->out[k][0], t->a, rows * columns * sizeof(float));
        kernels_fixture(k)->softmax_causal(t->out[k][0], columns, first, rows, columns);
        memcpy(t->out[k][1], t->b, rows * columns * sizeof(float));
        kernels_fixture(k)->softmax_causal_backward(t->out[k][1], t->c, columns, first, rows,
                                                    columns);
    }
    check_outputs(t, 2e-5, 1e-5);
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t i = 0; i < columns; i++) {
            sum += (double)t->out[1][0][r * columns + i];
            if (i > first + r)
                assert_true(t->out[1][0][r * columns + i] == 0 &&
                            t->out[1][1][r * columns + i] == 0);
        }
        assert_true(fabs(sum - 1) < 1e-6);
    }
}

static void fast_softmax_is_the_references_and_sees_no_later_token(void **state)
{
    (void)state;
    for_all_shapes(check_softmax);
}

static void check_cross_entropy(struct outputs_fixture *t, size_t rows, size_t columns)
{
    double loss[2], alone[2];
    int32_t *targets = mem_new(rows, sizeof *targets);
    for (size_t r = 0; r < rows; r++)
        targets[r] = (int32_t)(random_u64(9, r) % columns);
    for (int k = 0; k < 2; k++) {
        memcpy(t->out[k][0], t->a, rows * columns * sizeof(float));
        loss[k] = kernels_fixture(k)->cross_entropy(t->out[k][0], t->out[k][0], targets, rows,
                                                    columns, 0.25f);
        alone[k] = kernels_fixture(k)->cross_entropy(NULL, t->a, targets, rows, columns, 0);
        assert_true(loss[k] == alone[k]);
    }
    assert_true(fabs(loss[0] - loss[1]) <= 1e-6 * (double)rows);
    check_outputs(t, 1e-6, 1e-6);
    free(targets);
}

static void fast_cross_entropy_is_the_references_with_and_without_a_gradient(void **state)
{
    (void)state;
    for_all_shapes(check_cross_entropy);
}

static void rotary_turned_back_gives_what_was_there(void **state)
{
    (void)state;
    enum { T = 5, HEADS = 3, WIDTH = 8, LD = 30 };
    float *x = random_floats(1, T * LD), *y = random_floats(1, T * LD), cosine[T * WIDTH / 2],
          sine[T * WIDTH / 2];
    for (size_t i = 0; i < T * WIDTH / 2; i++) {
        cosine[i] = cosf((float)i);
        sine[i] = sinf((float)i);
    }
    kernels_best()->rotary(y, LD, cosine, sine, T, HEADS, WIDTH, false);
    assert_true(fabsf(y[LD] - (x[LD] * cosine[WIDTH / 2] - x[LD + WIDTH / 2] * sine[WIDTH / 2])) <
                1e-6f);
    kernels_best()->rotary(y, LD, cosine, sine, T, HEADS, WIDTH, true);
    assert_floats_near(y, x, T * LD, 1e-6, 1e-6);
    free(x);
    free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_gemm_is_a_triple_loop_in_double),
        cmocka_unit_test(fast_gemm_is_the_references),
        cmocka_unit_test(gemm_with_beta_zero_does_not_read_the_old_values),
        cmocka_unit_test(fast_row_sums_are_the_references),
        cmocka_unit_test(fast_layernorm_is_the_references),
        cmocka_unit_test(fast_rmsnorm_is_the_references),
        cmocka_unit_test(fast_gelu_is_the_references),
        cmocka_unit_test(fast_swiglu_is_the_references),
        cmocka_unit_test(fast_softmax_is_the_references_and_sees_no_later_token),
        cmocka_unit_test(fast_cross_entropy_is_the_references_with_and_without_a_gradient),
        cmocka_unit_test(rotary_turned_back_gives_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
