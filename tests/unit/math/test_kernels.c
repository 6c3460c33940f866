/* What all kernels promise besides right numbers: results do not depend on where arrays lie,
 * nothing overflows on the way, NaN reaches the output. */
#include "tests/unit/math/kernels_fixture.h"

#include "base/mem.h"
#include "math/kernels.h"

#include <math.h>

/* Runs each of the fast kernels, on inputs and outputs that begin `shift` floats after a cache
 * line. */
static void run_shifted(float *out, size_t shift)
{
    enum { ROWS = 37, COLUMNS = 83, N = ROWS * COLUMNS, ROOM = 2 * N + 8 };
    const struct kernels *k = kernels_fast();
    float *in[3], *y = mem_floats(8 * (size_t)ROOM), *o = y + shift;
    int32_t targets[ROWS];
    for (uint64_t i = 0; i < 3; i++) {
        float *x = random_floats(7 + i, 2 * N);
        in[i] = mem_floats(ROOM);
        memmove(in[i] + shift, x, 2 * N * sizeof *x);
        free(x);
    }
    const float *a = in[0] + shift, *b = in[1] + shift, *c = in[2] + shift;
    for (int r = 0; r < ROWS; r++)
        targets[r] = r;
    k->gemm(false, true, ROWS, ROWS, COLUMNS, 1, a, COLUMNS, b, COLUMNS, 0, o, ROWS);
    k->layernorm(o + 2 * N, o + 3 * N, o + 3 * N + ROWS, a, b, c, ROWS, COLUMNS, 1e-5f);
    k->layernorm_backward(o + 4 * N, o + 5 * N, o + 5 * N + COLUMNS, c, a, b, a, b, ROWS, COLUMNS);
    k->gelu(o + 6 * N, a, N);
    k->swiglu_backward(o + 7 * N, b, a, ROWS, COLUMNS);
    memcpy(o + 9 * N, a, N * sizeof *o);
    k->softmax_causal(o + 9 * N, COLUMNS, 1, ROWS, COLUMNS);
    k->cross_entropy(o + 10 * N, b, targets, ROWS, COLUMNS, 1);
    k->sum_rows(o + 11 * N, a, ROWS, COLUMNS);
    memcpy(out, o, 12 * (size_t)N * sizeof *out);
    for (int i = 0; i < 3; i++)
        free(in[i]);
    free(y);
}

static void results_do_not_depend_on_where_arrays_lie(void **state)
{
    (void)state;
    enum { SIZE = 12 * 37 * 83 };
    float *aligned = mem_floats(SIZE), *shifted = mem_floats(SIZE);
    run_shifted(aligned, 0);
    for (size_t shift = 1; shift < 8; shift += 2) {
        run_shifted(shifted, shift);
        assert_memory_equal(aligned, shifted, SIZE * sizeof *aligned);
    }
    free(aligned);
    free(shifted);
}

static void large_inputs_give_finite_results(void **state)
{
    (void)state;
    const float x[] = {-1e4f, -300, -90, -88, -87, -20, 0, 20, 87, 88, 90, 300, 1e4f}, one = 1;
    enum { N = sizeof x / sizeof *x };
    for (size_t i = 0; i < N; i++) {
        float y[2][7], gate_up[2] = {x[i], 2};
        const int32_t target = 0;
        for (int k = 0; k < 2; k++) {
            kernels_fixture(k)->gelu(&y[k][0], &x[i], 1);
            kernels_fixture(k)->gelu_backward(&y[k][1], &one, &x[i], 1);
            kernels_fixture(k)->swiglu(&y[k][2], gate_up, 1, 1);
            kernels_fixture(k)->swiglu_backward(&y[k][3], &one, gate_up, 1, 1);
            float logits[2] = {x[i], 0};
            y[k][5] = (float)kernels_fixture(k)->cross_entropy(NULL, logits, &target, 1, 2, 1);
            kernels_fixture(k)->softmax_causal(logits, 2, 1, 1, 2);
            y[k][6] = logits[0];
        }
        assert_floats_near(y[1], y[0], 7, 1e-6, 1e-5);
    }
}

static void a_nan_in_an_input_reaches_the_output(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++)
        for (size_t at = 0; at < 40; at += 13) {
            float *x = random_floats(1, 40), *ones = random_floats(2, 40), y[40], mean, rstd;
            const int32_t target = 1;
            x[at] = NAN;
            kernels_fixture(k)->gelu(y, x, 40);
            assert_true(isnan(y[at]));
            kernels_fixture(k)->layernorm(y, &mean, &rstd, x, ones, ones, 1, 40, 1e-5f);
            assert_true(isnan(y[0]));
            kernels_fixture(k)->swiglu(y, x, 1, 20);
            assert_true(isnan(y[at % 20]));
            assert_true(isnan(kernels_fixture(k)->cross_entropy(NULL, x, &target, 1, 40, 1)));
            kernels_fixture(k)->softmax_causal(x, 40, 39, 1, 40);
            assert_true(isnan(x[3]));
            free(x);
            free(ones);
        }
}

static void the_fingerprint_is_one_line_that_names_kernels_precision_and_threads(void **state)
{
    (void)state;
    char line[500], small[10];
    kernels_set_threads(1);
    kernels_fingerprint(line, sizeof line, kernels_fast(), "fp32");
    assert_contains(line, "fast fp32");
    assert_contains(line, "1 threads");
    assert_null(strchr(line, '\n'));
    kernels_fingerprint(small, sizeof small, kernels_fast(), "fp32");
    assert_string_equal(small, "fast fp32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_do_not_depend_on_where_arrays_lie),
        cmocka_unit_test(large_inputs_give_finite_results),
        cmocka_unit_test(a_nan_in_an_input_reaches_the_output),
        cmocka_unit_test(the_fingerprint_is_one_line_that_names_kernels_precision_and_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
