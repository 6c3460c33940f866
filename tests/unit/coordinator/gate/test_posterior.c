/* The posterior of a gain: worked values, and what must hold of any pairs. */
#include "tests/unit/support.h"

#include "coordinator/gate/posterior.h"

#include <math.h>

static void assert_near(const char *what, double found, double expected)
{
    if (!(fabs(found - expected) <= 5e-9 * fabs(expected)))
        fail_msg("%s: found %.12g, expected %.12g", what, found, expected);
}

/* Pairs of slices of 128 windows with one variance. */
static struct posterior posterior(const double *x, unsigned n, double u, bool slow)
{
    struct gain pairs[8];
    for (unsigned j = 0; j < n; j++)
        pairs[j] = (struct gain){.x = x[j], .u = u, .windows = 128};
    return posterior_of(&rule_default, pairs, n, slow);
}

static void worked_values_come_out_to_nine_digits(void **state)
{
    (void)state;
    static const struct {
        double x[3];
        unsigned n;
        double u128; /* mean of u over 128 */
        bool slow;
        double vn, v, f, m, s;
        unsigned nu;
        double p;
    } cases[] = {
  // clang-format off
        {{.411}, 1, 1.1e-4, true, 0, .00275, .476190476, .195714286, .0361873432, 4, .997169692},
        {{.030, .024}, 2, 9e-6, true,
         1.8e-5, .0001836, .9645806, .0260436762, .00941002121, 5, .980262545},
        {{.018, .009, .008}, 3, 3.5e-5, false,
         2.05e-5, .000146833333, .980798152, .0114426451, .00692853669, 6, .925139419},
        {{-.012}, 1, 3.5e-5, false,
         0, .00021, .922509225, -.0110701107, .0139185824, 4, .235469815},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct posterior p =
            posterior(cases[i].x, cases[i].n, cases[i].u128 * 128, cases[i].slow);
        assert_near("vn", p.vn, cases[i].vn);
        assert_near("v", p.v, cases[i].v);
        if (fabs(p.f - cases[i].f) > 5e-9)
            fail_msg("f: found %.12g, expected %.12g", p.f, cases[i].f);
        assert_near("m", p.m, cases[i].m);
        assert_near("s", p.s, cases[i].s);
        assert_int_equal(p.nu, cases[i].nu);
        assert_near("p", p.p, cases[i].p);
    }
}

static void a_falling_gain_is_believed_more_than_one_that_scatters_as_much(void **state)
{
    (void)state;
    const double falling[] = {.43, .38, .34, .30}, scattered[] = {.43, .30, .38, .34};
    const struct posterior a = posterior(falling, 4, 1e-4, true),
                           b = posterior(scattered, 4, 1e-4, true);
    assert_true(a.v < b.v);
    assert_true(a.p > b.p);
    assert_true(a.m > b.m);
}

/* A slice of half as many windows with the same variance in them knows half as much. */
static void slices_of_unlike_sizes_count_by_their_own_windows(void **state)
{
    (void)state;
    const struct gain pairs[] = {
        {.01, .0128, 64 },
        {.01, .0128, 256}
    };
    const struct posterior p = posterior_of(&rule_default, pairs, 2, false);
    const double prior = .0128 * (5.0 / 128 + (1.0 / 64 + 1.0 / 256) / 2);
    assert_near("v", p.v, 4 * prior / 5);
    // where the rest says less than the windows alone explain, these count
    struct rule rule = rule_default;
    rule.k_fast = 0;
    const struct gain few[] = {
        {.01, .0128, 16},
        {.01, .0128, 16}
    };
    assert_near("w2", posterior_of(&rule, few, 2, false).v, .0128 / 16);
}

static void the_slow_class_has_the_wider_prior(void **state)
{
    (void)state;
    const double x[] = {.01};
    assert_true(posterior(x, 1, 1e-3, true).v > 3 * posterior(x, 1, 1e-3, false).v);
}

static void pairs_without_any_variance_say_nothing(void **state)
{
    (void)state;
    const double x[] = {.5, .5, .5};
    const struct posterior p = posterior(x, 3, 0, true);
    assert_true(p.v == 0 && p.p == 0 && p.m == 0);
    // a first pair alone has the variance of its windows
    assert_true(posterior(x, 1, 1e-9, true).p > .99);
}

static void more_pairs_of_one_gain_are_surer_of_it(void **state)
{
    (void)state;
    const double x[] = {.02, .021, .019, .02, .022, .018};
    double p = 0;
    for (unsigned n = 1; n <= 6; n++) {
        const struct posterior now = posterior(x, n, 2e-3, true);
        assert_true(now.p > p);
        p = now.p;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_values_come_out_to_nine_digits),
        cmocka_unit_test(a_falling_gain_is_believed_more_than_one_that_scatters_as_much),
        cmocka_unit_test(slices_of_unlike_sizes_count_by_their_own_windows),
        cmocka_unit_test(the_slow_class_has_the_wider_prior),
        cmocka_unit_test(pairs_without_any_variance_say_nothing),
        cmocka_unit_test(more_pairs_of_one_gain_are_surer_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
