/* The judgement of recorded pairs. */
#include "tests/unit/support.h"

#include "coordinator/gate/judge.h"
#include "coordinator/ledger/history.h"

#include <math.h>

enum { PAIRS_MAX = 8 };

/* An attempt and its pairs, for attempt_of. */
struct attempt_fixture {
    struct attempt attempt;
    Trireme__Plan plan;
    Trireme__Observation pairs[PAIRS_MAX], *list[PAIRS_MAX];
};

/* An attempt whose pairs have these gains: of the fork or, in reverse, of the trunk. Borrowed from
 * f. */
static const struct attempt *attempt_of(struct attempt_fixture *f, bool reverse,
                                        const double *gains, size_t n, double margin)
{
    *f = (struct attempt_fixture){
        .attempt = {.plan = &f->plan, .pairs = f->list, .n_pairs = n}
    };
    trireme__plan__init(&f->plan);
    f->plan.start = 40, f->plan.horizon = 20;
    f->plan.reverse = reverse;
    f->plan.pairs = reverse ? 4 : PAIRS_MAX;
    f->plan.margin = margin, f->plan.alpha = 0.01, f->plan.beta = 0.1;
    for (size_t i = 0; i < n; i++) {
        trireme__observation__init(&f->pairs[i]);
        f->pairs[i].trunk_loss = reverse ? 2 : 2 + gains[i];
        f->pairs[i].fork_loss = reverse ? 2 + gains[i] : 2;
        f->list[i] = &f->pairs[i];
    }
    return &f->attempt;
}

static void a_gain_is_the_trunks_loss_less_the_forks_less_the_margin(void **state)
{
    (void)state;
    struct attempt_fixture f;
    const double gains[] = {0.5, -0.25};
    const struct attempt *a = attempt_of(&f, false, gains, 2, 0.125);
    assert_true(judge_gain(a, 0) == 0.375);
    assert_true(judge_gain(a, 1) == -0.375);
}

static void a_reverse_gain_is_the_forks_loss_less_the_trunks_with_the_margin_on(void **state)
{
    (void)state;
    struct attempt_fixture f;
    const double gains[] = {0.5, -0.25};
    const struct attempt *a = attempt_of(&f, true, gains, 2, 0.125);
    assert_true(judge_gain(a, 0) == 0.5);
    assert_true(judge_gain(a, 1) == -0.25);
}

static void the_rule_is_asked_at_looks_alone(void **state)
{
    (void)state;
    static const bool forward[PAIRS_MAX + 1] = {[3] = true, [4] = true, [6] = true, [8] = true};
    static const bool reverse[5] = {[4] = true};
    const double gains[PAIRS_MAX] = {0};
    struct attempt_fixture f;
    for (size_t n = 1; n <= PAIRS_MAX; n++)
        assert_int_equal(judge_is_due(attempt_of(&f, false, gains, n, 0)), forward[n]);
    for (size_t n = 1; n <= 4; n++)
        assert_int_equal(judge_is_due(attempt_of(&f, true, gains, n, 0)), reverse[n]);
}

/* The critical values for alpha .01 and beta .1: 22.327 with three pairs, 8.053 with four.
 * Gains of c - d, c, c + d have a spread of d, so that t is c/d times the root of three. */
static void three_pairs_are_judged_by_students_t_at_a_share_of_the_budget(void **state)
{
    (void)state;
    static const struct {
        double t;
        Trireme__Judgement__Outcome outcome;
    } cases[] = {
        {22.4, TRIREME__JUDGEMENT__OUTCOME__promote},
        {22.2, TRIREME__JUDGEMENT__OUTCOME__open   },
        {0,    TRIREME__JUDGEMENT__OUTCOME__open   },
        {-6.9, TRIREME__JUDGEMENT__OUTCOME__open   },
        {-7,   TRIREME__JUDGEMENT__OUTCOME__reject },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct attempt_fixture f;
        Trireme__Judgement judgement;
        double d = 0.001, c = cases[i].t * d / sqrt(3);
        const double gains[] = {0.002 + c - d, 0.002 + c, 0.002 + c + d};
        judge_attempt(attempt_of(&f, false, gains, 3, 0.002), &judgement);
        if (judgement.outcome != cases[i].outcome)
            fail_msg("t %g: found outcome %d, expected %d", cases[i].t, (int)judgement.outcome,
                     (int)cases[i].outcome);
        assert_int_equal(judgement.pairs, 3);
        assert_true(fabs(judgement.t - cases[i].t) < 1e-6);
        assert_true(fabs(judgement.mean - c) < 1e-12);
        assert_null(judgement.reason);
    }
}

static void the_windows_variance_counts_where_it_is_larger_than_that_of_the_pairs(void **state)
{
    (void)state;
    struct attempt_fixture f;
    Trireme__Judgement judgement;
    const double gains[] = {0.099, 0.1, 0.101};
    const struct attempt *a = attempt_of(&f, false, gains, 3, 0);
    judge_attempt(a, &judgement);
    assert_int_equal(judgement.outcome, TRIREME__JUDGEMENT__OUTCOME__promote);
    for (int i = 0; i < 3; i++)
        f.pairs[i].window_variance = 0.01;
    judge_attempt(a, &judgement);
    assert_int_equal(judgement.outcome, TRIREME__JUDGEMENT__OUTCOME__open);
    assert_true(fabs(judgement.t - sqrt(3)) < 1e-6);
}

static void pairs_that_are_all_the_same_have_no_verdict_and_say_so(void **state)
{
    (void)state;
    struct attempt_fixture f;
    Trireme__Judgement judgement;
    const double gains[] = {0.1, 0.1, 0.1};
    judge_attempt(attempt_of(&f, false, gains, 3, 0.002), &judgement);
    assert_int_equal(judgement.outcome, TRIREME__JUDGEMENT__OUTCOME__inconclusive);
    assert_string_equal(judgement.reason, "the pairs have no spread at all: no verdict");
}

static void the_last_look_is_never_left_open(void **state)
{
    (void)state;
    struct attempt_fixture f;
    Trireme__Judgement judgement;
    const double gains[] = {0.1, -0.1, 0.2, -0.1, 0.1, 0.1, -0.05, 0.1};
    judge_attempt(attempt_of(&f, false, gains, 6, 0), &judgement);
    assert_int_equal(judgement.outcome, TRIREME__JUDGEMENT__OUTCOME__open);
    judge_attempt(attempt_of(&f, false, gains, 8, 0), &judgement);
    assert_int_equal(judgement.outcome, TRIREME__JUDGEMENT__OUTCOME__inconclusive);
}

static void a_fork_that_diverged_is_rejected_at_once_whatever_came_before(void **state)
{
    (void)state;
    struct attempt_fixture f;
    Trireme__Judgement judgement;
    const double gains[] = {0.1, 0.101};
    const struct attempt *a = attempt_of(&f, false, gains, 2, 0);
    assert_false(judge_is_due(a));
    f.pairs[1].diverged = true;
    assert_true(judge_is_due(a));
    judge_attempt(a, &judgement);
    assert_int_equal(judgement.outcome, TRIREME__JUDGEMENT__OUTCOME__reject);
    assert_non_null(judgement.reason);
}

/* That the old recipe diverges does not speak against the new one. */
static void a_reverse_fork_that_diverged_leaves_a_promotion_unconfirmed(void **state)
{
    (void)state;
    struct attempt_fixture f;
    Trireme__Judgement judgement;
    const double gains[] = {0.1};
    const struct attempt *a = attempt_of(&f, true, gains, 1, 0);
    f.pairs[0].diverged = true;
    assert_true(judge_is_due(a));
    judge_attempt(a, &judgement);
    assert_int_equal(judgement.outcome, TRIREME__JUDGEMENT__OUTCOME__unconfirmed);
}

static void
a_tail_of_the_trunk_that_diverged_says_nothing_of_a_change_and_all_of_a_promotion(void **state)
{
    (void)state;
    struct attempt_fixture f;
    Trireme__Judgement judgement;
    const double gains[] = {0.1, 0.1};
    const struct attempt *a = attempt_of(&f, false, gains, 2, 0);
    f.pairs[1].trunk_diverged = true;
    assert_true(judge_is_due(a));
    judge_attempt(a, &judgement);
    assert_int_equal(judgement.outcome, TRIREME__JUDGEMENT__OUTCOME__inconclusive);
    a = attempt_of(&f, true, gains, 2, 0);
    f.pairs[1].trunk_diverged = true;
    judge_attempt(a, &judgement);
    assert_int_equal(judgement.outcome, TRIREME__JUDGEMENT__OUTCOME__rolled_back);
    f.pairs[1].diverged = true; // the old recipe's too: there is nothing better to go back to
    judge_attempt(a, &judgement);
    assert_int_equal(judgement.outcome, TRIREME__JUDGEMENT__OUTCOME__unconfirmed);
}

static void reverse_pairs_confirm_leave_open_or_roll_back(void **state)
{
    (void)state;
    static const struct {
        double gains[4];
        Trireme__Judgement__Outcome outcome;
    } cases[] = {
        {{0.10, 0.11, 0.09, 0.10},    TRIREME__JUDGEMENT__OUTCOME__confirmed  },
        {{0.10, -0.10, 0.20, -0.05},  TRIREME__JUDGEMENT__OUTCOME__unconfirmed},
 // better, but by less than the margin
        {{0.01, 0.011, 0.009, 0.010}, TRIREME__JUDGEMENT__OUTCOME__rolled_back},
        {{-0.1, -0.11, -0.09, -0.10}, TRIREME__JUDGEMENT__OUTCOME__rolled_back},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct attempt_fixture f;
        Trireme__Judgement judgement;
        judge_attempt(attempt_of(&f, true, cases[i].gains, 4, 0.02), &judgement);
        assert_int_equal(judgement.outcome, cases[i].outcome);
        assert_int_equal(judgement.pairs, 4);
        assert_true(judgement.has_mean && judgement.has_half_width);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gain_is_the_trunks_loss_less_the_forks_less_the_margin),
        cmocka_unit_test(a_reverse_gain_is_the_forks_loss_less_the_trunks_with_the_margin_on),
        cmocka_unit_test(the_rule_is_asked_at_looks_alone),
        cmocka_unit_test(three_pairs_are_judged_by_students_t_at_a_share_of_the_budget),
        cmocka_unit_test(the_windows_variance_counts_where_it_is_larger_than_that_of_the_pairs),
        cmocka_unit_test(pairs_that_are_all_the_same_have_no_verdict_and_say_so),
        cmocka_unit_test(the_last_look_is_never_left_open),
        cmocka_unit_test(a_fork_that_diverged_is_rejected_at_once_whatever_came_before),
        cmocka_unit_test(a_reverse_fork_that_diverged_leaves_a_promotion_unconfirmed),
        cmocka_unit_test(
            a_tail_of_the_trunk_that_diverged_says_nothing_of_a_change_and_all_of_a_promotion),
        cmocka_unit_test(reverse_pairs_confirm_leave_open_or_roll_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
