/* What experiments may cost, and how long the trunk becomes. */
#include "tests/unit/support.h"

#include "coordinator/gate/account.h"
#include "coordinator/gate/stretch.h"

#include <math.h>

enum { ARMS_MAX = 8 };
static const double step = 1024, arm = 49.0 / 3 * 1024, fixed = 19.0 / 3 * 1024;

/* 1800 steps, of which the trunk has done 60. */
static struct account account_of(double spent, double since)
{
    return (struct account){.all = 1800 * step,
                            .spent = spent,
                            .since = since,
                            .step = 60,
                            .trained = 60 * step,
                            .step_tokens = step};
}

/* Planners' arms; the caller says which are something else. */
static void arms_init(struct account_arm *arms, size_t n)
{
    for (size_t i = 0; i < n; i++)
        arms[i] = (struct account_arm){.cost = arm, .planner = true};
}

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-12 * fabs(expected)))
        fail_msg("found %.12g, expected %.12g", found, expected);
}

static void a_run_that_spends_nothing_has_the_length_that_was_asked_for(void **state)
{
    (void)state;
    struct account a = account_of(0, 0);
    assert_int_equal(account_length(&a), 1800);
    a.step_tokens = step / 2; // from here on
    assert_int_equal(account_length(&a), 60 + 2 * 1740);
    a.spent = 1800 * step;
    assert_int_equal(account_length(&a), 60);
}

static void a_worked_stretch_of_three_arms_is_affordable_and_of_four_is_not(void **state)
{
    (void)state;
    struct account_arm arms[4];
    const struct account a = account_of(0, 0);
    arms_init(arms, 4);
    assert_near(account_price(arms, 3, fixed) / step, 166.0 / 3);
    assert_true(account_affords(&rule_default, &a, arms, 3, fixed));
    assert_false(account_affords(&rule_default, &a, arms, 4, fixed));
    const struct account after = account_of(account_price(arms, 3, fixed), 0);
    assert_int_equal(account_length(&after), 1744);
}

static void the_stake_bounds_what_planners_arms_cost_since_the_last_adoption(void **state)
{
    (void)state;
    struct account_arm one;
    arms_init(&one, 1);
    const double price = arm + fixed, stake = 0.033 * 1800 * step;
    const struct account fits = account_of(stake - price, stake - price - 1e-6),
                         over = account_of(stake - price, stake - price + 1),
                         earned = account_of(stake - price, 0);
    assert_true(account_affords(&rule_default, &fits, &one, 1, fixed));
    assert_false(account_affords(&rule_default, &over, &one, 1, fixed));
    assert_true(account_affords(&rule_default, &earned, &one, 1, fixed));
}

/* Watches, claims and persons' arms do not count against the stake, and bear their part of what the
 * stretch costs once. */
static void other_arms_count_against_the_share_alone(void **state)
{
    (void)state;
    struct account_arm arms[3];
    arms_init(arms, 3);
    arms[1].planner = false, arms[1].watch = true;
    arms[2].planner = false;
    assert_near(account_planners_price(arms, 3, fixed), arm + fixed / 3);
    assert_near(account_price(arms, 3, fixed), 3 * arm + fixed);
    const struct account poor = account_of(0.25 * 1800 * step - 3 * arm, 0);
    assert_false(account_affords(&rule_default, &poor, arms, 3, fixed));
    arms[0].dropped = true;
    assert_true(account_planners_price(arms, 3, fixed) == 0);
    const struct account spent = account_of(0, 1e12); // no planner's arm: no matter
    assert_true(account_affords(&rule_default, &spent, arms, 3, fixed));
}

static void
money_drops_the_smallest_gain_first_ties_the_last_then_a_claim_and_never_a_watch(void **state)
{
    (void)state;
    static const size_t order[] = {2, 4, 1, 3, 0}; // in which arms go
    struct account_arm arms[7];
    for (size_t left = 0; left <= 5; left++) {
        arms_init(arms, 7);
        arms[0].m = .04, arms[1].m = 0, arms[2].m = -.01, arms[3].m = .02, arms[4].m = 0;
        arms[5].planner = false, arms[5].claim = true;
        arms[6].planner = false, arms[6].watch = true;
        // money for `left` hypotheses, claim and watch
        const double price = (double)(left + 2) * arm + fixed;
        const struct account a = account_of(0.25 * 1800 * step - price - 1e-3, 0);
        struct rule rule = rule_default;
        rule.stake = 1;
        assert_int_equal(account_fit(&rule, &a, arms, 7, fixed), left + 2);
        for (size_t i = 0; i < 5; i++)
            assert_int_equal(arms[order[i]].dropped, i < 5 - left);
        assert_false(arms[5].dropped || arms[6].dropped);
    }
    arms_init(arms, 2);
    arms[0].planner = false, arms[0].claim = true;
    arms[1].planner = false, arms[1].watch = true;
    const struct account none = account_of(0.25 * 1800 * step, 0);
    assert_int_equal(account_fit(&rule_default, &none, arms, 2, fixed), 1);
    assert_true(arms[0].dropped && !arms[1].dropped);
}

/* Of a run with a warmup of 50 steps: one planner's change of each kind, in steps. */
static void worked_runs_that_could_pay_for_one_change(void **state)
{
    (void)state;
    static const struct {
        uint32_t batch, context;
        enum stretch_kind kind;
        uint64_t steps;
    } cases[] = {
        {16, 64,  STRETCH_PLAIN, 687 },
        {16, 64,  STRETCH_CALM,  1263},
        {32, 256, STRETCH_PLAIN, 657 },
        {32, 256, STRETCH_CALM,  1248},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint32_t context = cases[i].context;
        const uint64_t tokens[] = {cases[i].batch * context};
        const struct stretch s =
            stretch_of(cases[i].kind, stretch_first(&rule_default, 50), cases[i].batch, tokens, 1);
        const double once = stretch_fixed_tokens(&s, tokens[0], context);
        struct account_arm one = {.cost = stretch_arm_tokens(&s, tokens[0], context),
                                  .planner = true};
        const double needs = account_needs(&rule_default, &one, once) / (double)tokens[0];
        assert_int_equal(ceil(needs), cases[i].steps);
        for (int enough = 0; enough < 2; enough++) {
            const struct account a = {
                .all = (double)((cases[i].steps - 1 + (uint64_t)enough) * tokens[0]),
                .step_tokens = (double)tokens[0]};
            assert_int_equal(account_affords(&rule_default, &a, &one, 1, once), enough);
        }
        one.planner = false; // a person's: the share alone
        assert_near(account_needs(&rule_default, &one, once), (one.cost + once) / 0.25);
    }
}

static void whatever_is_begun_stays_within_the_stake(void **state)
{
    (void)state;
    const double all[] = {700, 1800, 7200, 20000};
    for (size_t i = 0; i < 4; i++) {
        struct account a = {.all = all[i] * step, .step_tokens = step};
        for (int stretch = 0; stretch < 200; stretch++) {
            struct account_arm arms[ARMS_MAX];
            const size_t n = 1 + (size_t)(stretch * 7 + (int)i) % ARMS_MAX;
            arms_init(arms, n);
            if (account_fit(&rule_default, &a, arms, n, fixed)) {
                a.spent += account_price(arms, n, fixed);
                a.since += account_planners_price(arms, n, fixed);
            }
            assert_true(a.since <= rule_default.stake * a.all);
            assert_true(a.spent <= rule_default.share * a.all);
        }
    }
}

static void what_is_left_is_the_lesser_of_stake_and_share_and_never_below_zero(void **state)
{
    (void)state;
    static const struct {
        double spent, since, left; /* steps, of 1800 */
    } cases[] = {
        {0,   0,    0.033 * 1800},
        {60,  9.4,  50          },
        {440, 0,    10          }, // of the share
        {440, 9.4,  10          },
        {440, 50.4, 9           },
        {450, 0,    0           },
        {500, 0,    0           },
        {60,  59.4, 0           },
        {60,  70,   0           },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct account a = account_of(cases[i].spent * step, cases[i].since * step);
        const double found = account_left(&rule_default, &a);
        if (!(fabs(found - cases[i].left * step) <= 1e-6) || found < 0)
            fail_msg("%g spent, %g since: found %.9g steps, expected %.9g", cases[i].spent,
                     cases[i].since, found / step, cases[i].left);
    }
}

static void a_planners_arm_is_affordable_up_to_what_is_left_and_not_beyond(void **state)
{
    (void)state;
    for (int spent = 0; spent < 450; spent += 30)
        for (int since = 0; since < 60 && since <= spent; since += 10) {
            const struct account a = account_of(spent * step, since * step);
            const double left = account_left(&rule_default, &a);
            struct account_arm one = {.cost = left - fixed - 1e-3, .planner = true};
            assert_true(account_affords(&rule_default, &a, &one, 1, fixed));
            one.cost += 2e-3;
            assert_false(account_affords(&rule_default, &a, &one, 1, fixed));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_spends_nothing_has_the_length_that_was_asked_for),
        cmocka_unit_test(a_worked_stretch_of_three_arms_is_affordable_and_of_four_is_not),
        cmocka_unit_test(the_stake_bounds_what_planners_arms_cost_since_the_last_adoption),
        cmocka_unit_test(other_arms_count_against_the_share_alone),
        cmocka_unit_test(
            money_drops_the_smallest_gain_first_ties_the_last_then_a_claim_and_never_a_watch),
        cmocka_unit_test(worked_runs_that_could_pay_for_one_change),
        cmocka_unit_test(whatever_is_begun_stays_within_the_stake),
        cmocka_unit_test(what_is_left_is_the_lesser_of_stake_and_share_and_never_below_zero),
        cmocka_unit_test(a_planners_arm_is_affordable_up_to_what_is_left_and_not_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
