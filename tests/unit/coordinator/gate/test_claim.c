/* Claims: budgets, looks, and when one is made. */
#include "tests/unit/support.h"

#include "coordinator/gate/claim.h"

#include <math.h>

static const double no_windows[8] = {0};

static void assert_near(const char *what, double found, double expected)
{
    if (!(fabs(found - expected) <= 5e-9 * fabs(expected)))
        fail_msg("%s: found %.12g, expected %.12g", what, found, expected);
}

static struct claim_judgement judge(const double *y, unsigned n)
{
    return claim_judge(&rule_default, y, no_windows, n, claim_alpha(&rule_default, 0, 0));
}

static void worked_values_come_out_to_nine_digits(void **state)
{
    (void)state;
    const double y[] = {.0951, .0656, .0517, .0439};
    const struct claim_judgement third = judge(y, 3), fourth = judge(y, 4);
    assert_int_equal(third.answer, CLAIM_OPEN);
    assert_near("t of 3", third.t, 5.53322039);
    assert_near("p of 3", third.p, .015572143);
    assert_int_equal(fourth.answer, CLAIM_CLAIMED);
    assert_near("t of 4", fourth.t, 5.68378384);
    assert_near("p of 4", fourth.p, .00539673677);
}

static void budgets_fall_with_each_claim_registered_and_grow_with_each_made(void **state)
{
    (void)state;
    static const double none[] = {.05, .0166666667, .00833333333, .005},
                        all[] = {.05, .0333333333, .025, .02};
    double spent = 0;
    for (unsigned t = 0; t < 4; t++) {
        assert_near("none claimed", claim_alpha(&rule_default, t, 0), none[t]);
        assert_near("all claimed", claim_alpha(&rule_default, t, t), all[t]);
    }
    for (unsigned t = 0; t < 100000; t++)
        spent += claim_alpha(&rule_default, t, 0);
    assert_true(spent < rule_default.alpha && spent > .999 * rule_default.alpha);
}

/* Student's t at which the first claim of a run is made, at each look. */
static void a_claim_is_made_from_the_critical_t_of_its_look_on(void **state)
{
    (void)state;
    static const struct {
        unsigned n;
        double t;
    } looks[] = {
        {3, 5.643},
        {4, 3.896},
        {6, 3.365},
        {8, 2.998},
    };
    for (size_t i = 0; i < 4; i++)
        for (int above = 0; above < 2; above++) {
            // pairs at +-1 (and 0) about a mean that gives this t
            const unsigned n = looks[i].n;
            double y[8], squares = 0;
            for (unsigned j = 0; j < n; j++)
                y[j] = n % 2 && j == n - 1 ? 0 : j % 2 ? -1 : 1, squares += y[j] * y[j];
            const double t = looks[i].t + (above ? .0006 : -.0006);
            for (unsigned j = 0; j < n; j++)
                y[j] += t * sqrt(squares / (n - 1) / n);
            const enum claim_answer found = judge(y, n).answer;
            assert_int_equal(found, above ? CLAIM_CLAIMED : n == 8 ? CLAIM_UNPROVEN : CLAIM_OPEN);
        }
}

static void nothing_is_said_between_looks_nor_before_the_third_pair(void **state)
{
    (void)state;
    const double clear[] = {1, 1.001, 1.002, 1.001, 1, 1.001, 1.002}, bad[] = {-1, -1, -1, -1, -1};
    for (unsigned n = 1; n <= 7; n++) {
        assert_int_equal(claim_is_look(&rule_default, n), n == 3 || n == 4 || n == 6);
        if (!claim_is_look(&rule_default, n))
            assert_int_equal(judge(clear, n).answer, CLAIM_OPEN);
    }
    assert_int_equal(judge(bad, 3).answer, CLAIM_OPEN);
    assert_int_equal(judge(bad, 5).answer, CLAIM_OPEN);
    assert_int_equal(claim_pairs(&rule_default), 8);
}

static void who_is_not_ahead_at_four_or_six_pairs_or_undecided_at_eight_is_unproven(void **state)
{
    (void)state;
    const double behind[] = {-1, .5, -1, 1, -1, 1, 1, 1},
                 doubtful[] = {1, -.9, 1, -.9, 1, -.9, 1, -.9};
    assert_int_equal(judge(behind, 4).answer, CLAIM_UNPROVEN);
    assert_int_equal(judge(behind, 6).answer, CLAIM_UNPROVEN);
    assert_int_equal(judge(doubtful, 4).answer, CLAIM_OPEN);
    assert_int_equal(judge(doubtful, 6).answer, CLAIM_OPEN);
    assert_int_equal(judge(doubtful, 8).answer, CLAIM_UNPROVEN);
}

static void the_windows_variance_counts_and_pairs_without_any_prove_nothing(void **state)
{
    (void)state;
    const double y[] = {.1, .1, .1, .1, .1, .1, .1, .1}, w[] = {1, 1, 1, 1, 1, 1, 1, 1};
    assert_int_equal(judge(y, 3).answer, CLAIM_OPEN);
    assert_int_equal(judge(y, 8).answer, CLAIM_UNPROVEN);
    const struct claim_judgement found = claim_judge(&rule_default, y, w, 4, .05);
    assert_near("t", found.t, .2);
}

static void a_proof_is_paid_for_by_a_tenth_of_the_gain(void **state)
{
    (void)state;
    // a stretch of 23 of 1800 steps: .25 * 4 * 23 / 1800 = .01278 nats
    assert_true(claim_pays(&rule_default, .128, 23, 1800));
    assert_false(claim_pays(&rule_default, .127, 23, 1800));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_values_come_out_to_nine_digits),
        cmocka_unit_test(budgets_fall_with_each_claim_registered_and_grow_with_each_made),
        cmocka_unit_test(a_claim_is_made_from_the_critical_t_of_its_look_on),
        cmocka_unit_test(nothing_is_said_between_looks_nor_before_the_third_pair),
        cmocka_unit_test(who_is_not_ahead_at_four_or_six_pairs_or_undecided_at_eight_is_unproven),
        cmocka_unit_test(the_windows_variance_counts_and_pairs_without_any_prove_nothing),
        cmocka_unit_test(a_proof_is_paid_for_by_a_tenth_of_the_gain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
