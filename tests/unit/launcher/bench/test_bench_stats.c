/* Means and quotients of the bench, beside scipy's (tests/fixtures/bench_stats.py). */
#include "tests/unit/support.h"

#include "launcher/bench/bench_stats.h"

#include <math.h>

enum { SEEDS_MAX = 64 };

static void assert_close(double found, double expected, const char *what, size_t line)
{
    if (fabs(found - expected) > 1e-9 * fmax(1, fabs(expected)))
        fail_msg("line %zu: %s: found %.17g, scipy has %.17g", line, what, found, expected);
}

static void read_numbers(FILE *file, double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(fscanf(file, "%lf", &x[i]), 1);
}

static void means_and_quotients_have_the_intervals_that_scipy_has(void **state)
{
    (void)state;
    FILE *file = fopen(FIXTURES "/bench_stats.dat", "r");
    assert_non_null(file);
    size_t n, line = 0, unbounded = 0;
    while (fscanf(file, "%zu", &n) == 1) {
        double x[SEEDS_MAX], y[SEEDS_MAX], mean[3], quotient[3];
        line++;
        read_numbers(file, x, n);
        read_numbers(file, y, n);
        read_numbers(file, mean, 3);
        read_numbers(file, quotient, 3);
        const struct interval m = bench_mean(x, n), q = bench_quotient(x, y, n);
        assert_true(m.bounded);
        assert_close(m.mean, mean[0], "mean", line);
        assert_close(m.low, mean[1], "lower end", line);
        assert_close(m.high, mean[2], "upper end", line);
        assert_close(q.mean, quotient[0], "quotient", line);
        assert_int_equal(q.bounded, !isnan(quotient[1]));
        unbounded += !q.bounded;
        if (q.bounded) {
            assert_close(q.low, quotient[1], "quotient's lower end", line);
            assert_close(q.high, quotient[2], "quotient's upper end", line);
        }
    }
    fclose(file);
    assert_int_equal(line, 8);
    assert_int_equal(unbounded, 1);
}

static void one_seed_has_no_interval(void **state)
{
    (void)state;
    const double x = 0.3, y = 0.6;
    assert_false(bench_mean(&x, 1).bounded);
    assert_false(bench_quotient(&x, &y, 1).bounded);
    assert_true(bench_quotient(&x, &y, 1).mean == 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_and_quotients_have_the_intervals_that_scipy_has),
        cmocka_unit_test(one_seed_has_no_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
