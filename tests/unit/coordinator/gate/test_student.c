#include "tests/unit/support.h"

#include "coordinator/gate/gate.h"

#include <math.h>

static const double none[GATE_PAIRS_MAX] = {0}; // variance that the windows explain

static void assert_near(double found, double expected, double relative)
{
    if (!(fabs(found - expected) <= relative * fabs(expected)))
        fail_msg("found %.12g, expected %.12g", found, expected);
}

/* n gains with a mean of 1 or -1 and the sample variance that gives Student's statistic t; for 0:
 * mean 0, variance 1. */
static struct gate_judgement judge_t(double t, unsigned n, unsigned pairs, double alpha)
{
    double x[GATE_PAIRS_MAX] = {0},
           mean = t == 0  ? 0
                  : t > 0 ? 1
                          : -1,
           sd = t == 0 ? 1 : sqrt(n) / fabs(t);
    // +a, -a, ...; of an odd number the last lies on the mean
    double a = sd * sqrt((n - 1.0) / (n - n % 2));
    for (unsigned j = 0; j < n; j++)
        x[j] = mean + (j + 1 == n && n % 2 ? 0 : j % 2 ? -a : a);
    struct gate_judgement found = gate_judge(x, none, n, pairs, alpha, 0.1);
    assert_near(found.t, t, 1e-9);
    return found;
}

static enum gate_answer answer_t(double t, unsigned n, unsigned pairs)
{
    return judge_t(t, n, pairs, 0.01).answer;
}

static void the_tail_of_students_t_is_exact(void **state)
{
    (void)state;
    static const struct {
        double t;
        unsigned nu;
        double tail;
    } known[] = {
        {2,     3, 0.0696629843  },
        {4.54,  3, 0.0100041693  },
        {3.5,   7, 0.00499652044 },
        {-1,    2, 0.788675135   },
        {22.33, 2, 0.000999743267},
        {1,     1, 0.25          }, // Cauchy's: 1/2 - atan(1)/pi
        {0,     5, 0.5           },
        {2,     4, 0.0580582618  }, // 1/2 - 5/8 sqrt(1/2)
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_near(gate_tail(known[i].t, known[i].nu), known[i].tail, 1e-8);
    for (unsigned nu = 1; nu <= 9; nu++) {
        assert_near(gate_tail(1.7, nu) + gate_tail(-1.7, nu), 1, 1e-14);
        assert_true(gate_tail(INFINITY, nu) < 1e-15 && gate_tail(-INFINITY, nu) > 1 - 1e-15);
    }
}

static void a_gain_is_promoted_from_the_critical_t_of_its_look_on(void **state)
{
    (void)state;
    static const struct {
        unsigned n;
        double critical;
    } looks[] = {
        {3, 22.327},
        {4, 8.053 },
        {6, 4.570 },
        {8, 3.667 }
    };
    for (size_t i = 0; i < 4; i++) {
        unsigned n = looks[i].n;
        assert_int_equal(answer_t(looks[i].critical + 0.001, n, 8), GATE_PROMOTE);
        assert_int_equal(answer_t(looks[i].critical - 0.001, n, 8),
                         n == 8 ? GATE_INCONCLUSIVE : GATE_OPEN);
    }
}

static void a_larger_budget_promotes_earlier(void **state)
{
    (void)state;
    assert_int_equal(judge_t(4.3, 6, 8, 0.01).answer, GATE_OPEN);
    assert_int_equal(judge_t(4.3, 6, 8, 0.02).answer, GATE_PROMOTE);
}

static void a_loss_is_rejected_by_its_own_error_rate(void **state)
{
    (void)state;
    // critical t of beta .1 with the looks' shares: tails .01, .02, .03, .04
    static const struct {
        unsigned n;
        double critical;
    } looks[] = {
        {3, 6.965},
        {4, 3.482},
        {6, 2.422},
        {8, 2.046}
    };
    for (size_t i = 0; i < 4; i++) {
        unsigned n = looks[i].n;
        assert_int_equal(answer_t(-looks[i].critical - 0.001, n, 8), GATE_REJECT);
        assert_int_equal(answer_t(-looks[i].critical + 0.001, n, 8),
                         n == 3 ? GATE_OPEN : GATE_INCONCLUSIVE);
    }
}

static void who_is_not_ahead_is_dropped_at_four_and_six_pairs_but_not_at_three(void **state)
{
    (void)state;
    assert_int_equal(answer_t(-0.5, 3, 8), GATE_OPEN);
    for (unsigned n = 4; n <= 6; n += 2) {
        assert_int_equal(answer_t(-0.5, n, 8), GATE_INCONCLUSIVE);
        assert_int_equal(answer_t(0, n, 8), GATE_INCONCLUSIVE);
        assert_int_equal(answer_t(0.5, n, 8), GATE_OPEN);
    }
    assert_int_equal(answer_t(0.5, 8, 8), GATE_INCONCLUSIVE);
}

static void nothing_is_decided_between_looks(void **state)
{
    (void)state;
    const double lost[] = {-INFINITY, -INFINITY};
    assert_int_equal(gate_judge(lost, none, 1, 8, 0.01, 0.1).answer, GATE_OPEN);
    assert_int_equal(gate_judge(lost, none, 2, 8, 0.01, 0.1).answer, GATE_OPEN);
    assert_int_equal(answer_t(1e6, 2, 8), GATE_OPEN);
    assert_int_equal(answer_t(1e6, 5, 8), GATE_OPEN);
    assert_int_equal(answer_t(-1e6, 7, 8), GATE_OPEN);
}

static void a_run_that_ends_early_has_the_looks_that_fit_and_ends_inconclusive(void **state)
{
    (void)state;
    static const char *const looks[] = {
        [4] = "..xx", [5] = "..xxx", [6] = "..xx.x", [7] = "..xx.xx", [8] = "..xx.x.x"};
    for (unsigned pairs = GATE_PAIRS_MIN; pairs <= GATE_PAIRS_MAX; pairs++) {
        assert_false(gate_is_look(0, pairs));
        assert_false(gate_is_look(pairs + 1, pairs));
        for (unsigned n = 1; n <= pairs; n++)
            if (gate_is_look(n, pairs) != (looks[pairs][n - 1] == 'x'))
                fail_msg("%u of %u pairs: is %sa look", n, pairs,
                         gate_is_look(n, pairs) ? "" : "not ");
        assert_int_equal(answer_t(1, pairs, pairs), GATE_INCONCLUSIVE);
    }
    assert_int_equal(answer_t(9, 4, 4), GATE_PROMOTE);
    assert_int_equal(answer_t(-9, 6, 6), GATE_REJECT);
    assert_int_equal(answer_t(9, 5, 5), GATE_INCONCLUSIVE); // no test there
    assert_int_equal(answer_t(-9, 7, 7), GATE_INCONCLUSIVE);
}

static void the_variance_is_not_taken_for_less_than_the_windows_explain(void **state)
{
    (void)state;
    const double x[] = {0.010, 0.011, 0.012, 0.011}, w[] = {4e-5, 2e-5, 4e-5, 6e-5};
    struct gate_judgement blind = gate_judge(x, none, 4, 8, 0.01, 0.1),
                          found = gate_judge(x, w, 4, 8, 0.01, 0.1);
    assert_int_equal(blind.answer, GATE_PROMOTE);
    assert_near(found.mean, 0.011, 1e-12);
    assert_near(found.s2, 2e-6 / 3, 1e-9);
    assert_near(found.w2, 4e-5, 1e-12);
    assert_near(found.t, 0.011 / sqrt(4e-5 / 4), 1e-9);
    assert_int_equal(found.answer, GATE_OPEN);
}

static void gains_without_any_spread_have_no_verdict(void **state)
{
    (void)state;
    // three times a tenth, divided by three, is no tenth
    const double x[] = {0.1, 0.1, 0.1, 0.1}, noop[] = {-0.002, -0.002, -0.002},
                 w[] = {1e-6, 0, 0, 0};
    struct gate_judgement found = gate_judge(x, none, 3, 8, 0.01, 0.1);
    assert_int_equal(found.answer, GATE_VOID);
    assert_true(found.t == 0 && found.s2 == 0 && found.w2 == 0 && found.mean == 0.1);
    assert_int_equal(gate_judge(noop, none, 3, 8, 0.01, 0.1).answer, GATE_VOID);
    assert_int_equal(gate_judge(x, w, 3, 8, 0.01, 0.1).answer, GATE_PROMOTE); // t is 300
}

static void divergence_is_a_loss(void **state)
{
    (void)state;
    for (unsigned j = 0; j < 3; j++) {
        const double bad[] = {-INFINITY, INFINITY, NAN};
        for (size_t i = 0; i < 3; i++) {
            double x[] = {0.1, 0.2, 0.3}, w[] = {0.1, 0.1, 0.1};
            x[j] = bad[i];
            assert_int_equal(gate_judge(x, none, 3, 8, 0.01, 0.1).answer, GATE_REJECT);
            x[j] = 0.1;
            w[j] = fabs(bad[i]);
            assert_int_equal(gate_judge(x, w, 3, 8, 0.01, 0.1).answer, GATE_REJECT);
        }
    }
}

static void each_promotion_earns_the_next_hypothesis_a_share_of_the_budget(void **state)
{
    (void)state;
    assert_near(gate_alpha(0.1, 10, 0), 0.01, 1e-12);
    assert_near(gate_alpha(0.1, 10, 3), 0.04, 1e-12);
    assert_near(gate_alpha(0.05, 20, 1), 0.005, 1e-12);
}

static void the_first_hypothesis_waits_for_warmup_and_an_eighth_of_the_run(void **state)
{
    (void)state;
    assert_int_equal(gate_first_start(800, 50), 100);
    assert_int_equal(gate_first_start(800, 150), 150);
    assert_int_equal(gate_first_start(801, 0), 101);
    assert_int_equal(gate_first_start(7, 0), 1);
}

static void a_stretch_is_a_share_of_the_steps_before_it(void **state)
{
    (void)state;
    assert_int_equal(gate_horizon(true, 400), 100);
    assert_int_equal(gate_horizon(false, 400), 50);
    assert_int_equal(gate_horizon(true, 83), 20);
    assert_int_equal(gate_horizon(true, 84), 21);
    assert_int_equal(gate_horizon(true, 0), 20);
    assert_int_equal(gate_horizon(false, 167), 20);
    assert_int_equal(gate_tail_steps(true, 100), 50);
    assert_int_equal(gate_tail_steps(false, 100), 0);
}

static void windows_grow_with_a_stretchs_samples_within_bounds(void **state)
{
    (void)state;
    assert_int_equal(gate_window_count(20, 4), 128);
    assert_int_equal(gate_window_count(20, 32), 160);
    assert_int_equal(gate_window_count(100, 32), 800);
    assert_int_equal(gate_window_count(1000, 32), 1024);
    assert_int_equal(gate_window_count(1000000000, 1048576), 1024);
}

static void pairs_are_those_that_fit_into_the_run(void **state)
{
    (void)state;
    assert_int_equal(gate_pairs(100, 25, 800), 8);
    assert_int_equal(gate_pairs(700, 20, 800), 5);
    assert_int_equal(gate_pairs(701, 20, 800), 4);
    assert_int_equal(gate_pairs(790, 20, 800), 0);
    assert_int_equal(gate_pairs(900, 20, 800), 0);
}

static void reverse_pairs_confirm_doubt_or_undo_a_promotion(void **state)
{
    (void)state;
    // of each: sd 0.002, so a one-sided bound 0.002353 and a 95 % interval 0.003182 away from the
    // mean
    static const struct {
        double mean;
        enum gate_confirmation answer;
    } cases[] = {
        {0.010,    GATE_CONFIRMED  },
        {0.00236,  GATE_CONFIRMED  },
        {0.00234,  GATE_UNCONFIRMED},
        {0,        GATE_UNCONFIRMED},
        {-0.00034, GATE_UNCONFIRMED},
        {-0.00036, GATE_ROLL_BACK  },
        {-0.010,   GATE_ROLL_BACK  },
    };
    const double a = 0.002 * sqrt(0.75);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double m = cases[i].mean, y[4] = {m + a, m - a, m - a, m + a};
        struct gate_gain gain = gate_confirm(y, 0.002);
        if (gain.answer != cases[i].answer)
            fail_msg("mean gain %g: found %d, expected %d", m, (int)gain.answer,
                     (int)cases[i].answer);
        assert_true(fabs(gain.mean - m) < 1e-15);
        assert_near(gain.half_width, 0.003182, 1e-9);
    }
}

static void reverse_pairs_without_spread_are_taken_as_they_are(void **state)
{
    (void)state;
    const double gain[4] = {0.1, 0.1, 0.1, 0.1}, nothing[4] = {0},
                 little[4] = {0.001, 0.001, 0.001, 0.001};
    assert_int_equal(gate_confirm(gain, 0.002).answer, GATE_CONFIRMED);
    assert_true(gate_confirm(gain, 0.002).half_width == 0);
    assert_int_equal(gate_confirm(nothing, 0).answer, GATE_UNCONFIRMED);
    assert_int_equal(gate_confirm(nothing, 0.002).answer, GATE_ROLL_BACK);
    assert_int_equal(gate_confirm(little, 0.002).answer,
                     GATE_ROLL_BACK); // the whole interval is above 0 and below the margin
}

static void a_reverse_pair_that_diverged_leaves_a_promotion_unconfirmed(void **state)
{
    (void)state;
    for (unsigned j = 0; j < 4; j++) {
        double y[4] = {0.1, 0.11, 0.12, 0.13};
        y[j] = j % 2 ? NAN : INFINITY;
        struct gate_gain gain = gate_confirm(y, 0.002);
        assert_int_equal(gain.answer, GATE_UNCONFIRMED);
        assert_false(isfinite(gain.mean) || isfinite(gain.half_width));
    }
}

static void assert_shares(const double *weights, size_t n_sources, uint32_t n,
                          const uint32_t *expected)
{
    uint32_t counts[4];
    gate_share_windows(counts, weights, n_sources, n);
    for (size_t i = 0; i < n_sources; i++)
        if (counts[i] != expected[i])
            fail_msg("source %zu of %zu: found %u of %u windows, expected %u", i, n_sources,
                     counts[i], n, expected[i]);
}

static void windows_are_shared_out_by_largest_remainder(void **state)
{
    (void)state;
    assert_shares((double[]){3}, 1, 128, (uint32_t[]){128});
    assert_shares((double[]){1, 3}, 2, 128, (uint32_t[]){32, 96});
    assert_shares((double[]){0.5, 0.3, 0.2}, 3, 7, (uint32_t[]){4, 2, 1}); // 3.5, 2.1, 1.4
    assert_shares((double[]){1, 1, 1}, 3, 128, (uint32_t[]){43, 43, 42});  // ties to the lowest
    assert_shares((double[]){1, 0, 1}, 3, 3, (uint32_t[]){2, 0, 1});       // no weight, no window
    // fewer windows than sources
    assert_shares((double[]){1, 1, 1, 1}, 4, 3, (uint32_t[]){1, 1, 1, 0});
    assert_shares((double[]){0.1, 0.2, 0.7}, 3, 1000, (uint32_t[]){100, 200, 700});
    assert_shares((double[]){1e6, 1e-6, 0}, 3, 1024, (uint32_t[]){1024, 0, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tail_of_students_t_is_exact),
        cmocka_unit_test(a_gain_is_promoted_from_the_critical_t_of_its_look_on),
        cmocka_unit_test(a_larger_budget_promotes_earlier),
        cmocka_unit_test(a_loss_is_rejected_by_its_own_error_rate),
        cmocka_unit_test(who_is_not_ahead_is_dropped_at_four_and_six_pairs_but_not_at_three),
        cmocka_unit_test(nothing_is_decided_between_looks),
        cmocka_unit_test(a_run_that_ends_early_has_the_looks_that_fit_and_ends_inconclusive),
        cmocka_unit_test(the_variance_is_not_taken_for_less_than_the_windows_explain),
        cmocka_unit_test(gains_without_any_spread_have_no_verdict),
        cmocka_unit_test(divergence_is_a_loss),
        cmocka_unit_test(each_promotion_earns_the_next_hypothesis_a_share_of_the_budget),
        cmocka_unit_test(the_first_hypothesis_waits_for_warmup_and_an_eighth_of_the_run),
        cmocka_unit_test(a_stretch_is_a_share_of_the_steps_before_it),
        cmocka_unit_test(windows_grow_with_a_stretchs_samples_within_bounds),
        cmocka_unit_test(pairs_are_those_that_fit_into_the_run),
        cmocka_unit_test(reverse_pairs_confirm_doubt_or_undo_a_promotion),
        cmocka_unit_test(reverse_pairs_without_spread_are_taken_as_they_are),
        cmocka_unit_test(a_reverse_pair_that_diverged_leaves_a_promotion_unconfirmed),
        cmocka_unit_test(windows_are_shared_out_by_largest_remainder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
