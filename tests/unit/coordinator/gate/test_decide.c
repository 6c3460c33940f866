/* What follows at the end of a stretch. */
#include "tests/unit/support.h"

#include "base/random.h"
#include "coordinator/gate/decide.h"

#include <math.h>

enum { ARMS_MAX = 6, PAIRS_MAX = 8 };

/* A stretch of arms whose pairs have these gains. Windows of 128; the variance in them is such that
 * a gain of .05 is beyond doubt and one of .005 is not. */
struct stage {
    struct gain pairs[ARMS_MAX][PAIRS_MAX], y[PAIRS_MAX];
    struct decide_arm arms[ARMS_MAX];
    struct decide_stretch stretch;
};

static const double u = 4e-4 * 128 / 25;

static void gains_init(struct gain *pairs, const double *x, unsigned n)
{
    for (unsigned j = 0; j < n; j++)
        pairs[j] = (struct gain){.x = x[j], .u = u, .windows = 128};
}

static struct decide_arm *add(struct stage *stage, const double *x, unsigned n)
{
    const size_t i = stage->stretch.n_arms++;
    gains_init(stage->pairs[i], x, n);
    stage->arms[i] = (struct decide_arm){
        .number = (uint32_t)i + 1, .pairs = stage->pairs[i], .n = n, .hope = .0005, .slow = true};
    stage->stretch.arms = stage->arms;
    return &stage->arms[i];
}

static struct decide_arm *add_one(struct stage *stage, double x)
{
    return add(stage, &x, 1);
}

static void watch(struct stage *stage, const double *y, unsigned n, bool kept)
{
    gains_init(stage->y, y, n);
    stage->stretch.watched = true, stage->stretch.watch_slow = true;
    stage->stretch.y = stage->y, stage->stretch.n_y = n, stage->stretch.kept = kept;
}

static void run(struct stage *stage)
{
    decide_at_end(&rule_default, &stage->stretch);
}

static void expect(const struct stage *stage, size_t i, enum decide_answer answer)
{
    if (stage->arms[i].answer != answer)
        fail_msg("arm %zu: found answer %d (p %.4f m %.4f), expected %d", i,
                 (int)stage->arms[i].answer, stage->arms[i].posterior.p, stage->arms[i].posterior.m,
                 (int)answer);
}

static void one_clear_gain_is_adopted_after_one_pair_and_the_rest_is_superseded(void **state)
{
    (void)state;
    struct stage s = {0};
    add_one(&s, .002);
    add_one(&s, .2);
    add_one(&s, -.2);
    run(&s);
    expect(&s, 0, DECIDE_SUPERSEDED);
    expect(&s, 1, DECIDE_ADOPTED);
    expect(&s, 2, DECIDE_SUPERSEDED);
    assert_false(s.stretch.ends);
}

static void of_several_the_largest_mean_is_adopted_and_its_equals_return_to_the_queue(void **state)
{
    (void)state;
    struct stage s = {0};
    const double long_known[] = {.17, .17};
    add_one(&s, .19);
    add_one(&s, .20);
    add_one(&s, .08);       // sure, but too far below
    add(&s, long_known, 2); // it has had its chance
    run(&s);
    expect(&s, 0, DECIDE_RETURNED);
    expect(&s, 1, DECIDE_ADOPTED);
    expect(&s, 2, DECIDE_SUPERSEDED);
    expect(&s, 3, DECIDE_SUPERSEDED);
}

/* Recorded: a rate 8 times too low, doubled and 4 times as high. Both gains are ten times what the
 * prior expects, which therefore believes a third of the larger one and half of the smaller. */
static void of_two_gains_beyond_the_prior_the_larger_is_adopted(void **state)
{
    (void)state;
    struct stage s = {0};
    add_one(&s, .5180), add_one(&s, .6377);
    s.pairs[0][0].u = 1.9734770e-4 * 64, s.pairs[0][0].windows = 64;
    s.pairs[1][0].u = 4.2126892e-4 * 64, s.pairs[1][0].windows = 64;
    run(&s);
    assert_true(s.arms[0].posterior.m > s.arms[1].posterior.m);
    expect(&s, 1, DECIDE_ADOPTED);
    expect(&s, 0, DECIDE_RETURNED);
}

static void equal_means_are_won_by_the_first_registered(void **state)
{
    (void)state;
    struct stage s = {0};
    add_one(&s, .2)->number = 7;
    add_one(&s, .2)->number = 3;
    run(&s);
    expect(&s, 1, DECIDE_ADOPTED);
    expect(&s, 0, DECIDE_RETURNED);
}

static void who_is_beaten_hopeless_without_sign_or_without_effect_is_closed(void **state)
{
    (void)state;
    struct stage s = {0};
    const double nothing[] = {.004, -.003, .004, -.003, .004, .003};
    add_one(&s, -.05);
    add_one(&s, .004);
    add(&s, nothing, 6);
    struct decide_arm *same = add_one(&s, -.002);
    s.pairs[3][0].u = 0;
    (void)same;
    run(&s);
    expect(&s, 0, DECIDE_BEATEN);
    expect(&s, 1, DECIDE_OPEN);
    expect(&s, 2, DECIDE_NO_SIGN);
    expect(&s, 3, DECIDE_WITHOUT_EFFECT);
    s.arms[1].hope = .02;
    run(&s);
    expect(&s, 1, DECIDE_NO_HOPE);
}

static void ninety_percent_suffice_where_the_arm_would_close_or_money_ends(void **state)
{
    (void)state;
    struct stage s = {0};
    struct decide_arm *arm = add_one(&s, .034);
    run(&s);
    assert_true(arm->posterior.p > .90 && arm->posterior.p < .95);
    expect(&s, 0, DECIDE_OPEN);
    arm->last_chance = true;
    run(&s);
    expect(&s, 0, DECIDE_ADOPTED);
    arm->last_chance = false;
    arm->hope = arm->posterior.m + arm->posterior.s; // it would close for want of hope
    run(&s);
    expect(&s, 0, DECIDE_ADOPTED);
}

/* At the prices of a run of 1,800 steps with its first stretch at 50: three stretches of 22.67
 * steps and a stake of .033 are .0177 nats. */
static void a_last_chance_is_taken_if_the_gain_pays_for_what_follows(void **state)
{
    (void)state;
    struct stage s = {0};
    const double cost = decide_cost(&rule_default, 68.0 / 3 * 1024, 1800.0 * 1024);
    assert_true(fabs(cost - .25 * (68.0 / 1800 + .033)) < 1e-12);
    struct decide_arm *arm = add_one(&s, .034);
    arm->last_chance = true;
    arm->cost = cost;
    run(&s);
    expect(&s, 0, DECIDE_ADOPTED);
    arm->cost = arm->posterior.m + 1e-6;
    run(&s);
    expect(&s, 0, DECIDE_OPEN);
    arm->pairs = NULL, arm->n = 0;
    struct decide_arm *sure = add_one(&s, .05); // beyond doubt: whatever it costs
    sure->cost = 1;
    run(&s);
    expect(&s, 1, DECIDE_ADOPTED);
}

/* Arms whose steps have other tokens have stretches of other lengths. */
static void each_arm_hopes_for_the_price_of_its_own_next_stretch(void **state)
{
    (void)state;
    struct stage s = {0};
    for (int i = 0; i < 3; i++)
        add_one(&s, .02)->hope = i == 1 ? .04 : .02;
    run(&s);
    const struct posterior *p = &s.arms[0].posterior;
    assert_true(p->m + p->s / 2 > .02 && p->m + p->s / 2 < .04 && p->p < .90);
    expect(&s, 0, DECIDE_OPEN);
    expect(&s, 1, DECIDE_NO_HOPE);
    expect(&s, 2, DECIDE_OPEN);
}

static void nothing_is_adopted_under_an_open_watch_and_who_is_nearly_sure_waits(void **state)
{
    (void)state;
    struct stage s = {0};
    const double y[] = {.005}, good[] = {.034, .034, .034, .034, .034, .034};
    add_one(&s, .2);
    add(&s, good, 6);
    add_one(&s, -.05);
    watch(&s, y, 1, false);
    run(&s);
    assert_int_equal(s.stretch.watch, DECIDE_WATCHED);
    expect(&s, 0, DECIDE_OPEN);
    expect(&s, 1, DECIDE_OPEN); // after its last pair
    expect(&s, 2, DECIDE_BEATEN);
    s.stretch.kept = true; // a claim goes on
    run(&s);
    assert_int_equal(s.stretch.watch, DECIDE_KEPT);
    expect(&s, 0, DECIDE_ADOPTED);
}

static void a_watch_is_kept_from_eighty_percent_on_and_taken_back_below_twenty(void **state)
{
    (void)state;
    static const struct {
        double y[3];
        unsigned n;
        bool kept;
        enum decide_watch watch;
    } cases[] = {
        {{.1},               1, false, DECIDE_KEPT      },
        {{.005},             1, false, DECIDE_WATCHED   },
        {{-.05},             1, false, DECIDE_TAKEN_BACK},
        {{.005, .004},       2, false, DECIDE_WATCHED   },
        {{.001, .001, .001}, 3, false, DECIDE_KEPT      },
        {{-.002, .001, 0},   3, false, DECIDE_TAKEN_BACK},
        {{-.002, .001, 0},   3, true,  DECIDE_KEPT      },
        {{-.05, -.05, -.05}, 3, true,  DECIDE_TAKEN_BACK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage s = {0};
        add_one(&s, .2);
        watch(&s, cases[i].y, cases[i].n, cases[i].kept);
        run(&s);
        if (s.stretch.watch != cases[i].watch)
            fail_msg("case %zu: found %d, expected %d (p %.3f)", i, (int)s.stretch.watch,
                     (int)cases[i].watch, s.stretch.watch_posterior.p);
        expect(&s, 0,
               cases[i].watch == DECIDE_KEPT         ? DECIDE_ADOPTED
               : cases[i].watch == DECIDE_TAKEN_BACK ? DECIDE_SUPERSEDED
                                                     : DECIDE_OPEN);
    }
}

/* Where no further stretch fits into the run. */
static void a_watch_that_is_in_its_last_stretch_ends_by_the_sign_of_its_mean(void **state)
{
    (void)state;
    static const struct {
        double y;
        bool kept;
        enum decide_watch watch;
    } cases[] = {
        {.005,  false, DECIDE_KEPT      },
        {-.005, false, DECIDE_TAKEN_BACK},
        {-.005, true,  DECIDE_KEPT      },
        {-.05,  true,  DECIDE_TAKEN_BACK}, // beyond doubt
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stage s = {0};
        watch(&s, &cases[i].y, 1, cases[i].kept);
        if (!cases[i].kept) {
            run(&s);
            assert_int_equal(s.stretch.watch, DECIDE_WATCHED);
        }
        s.stretch.watch_last = true;
        run(&s);
        if (s.stretch.watch != cases[i].watch)
            fail_msg("case %zu: found %d, expected %d (p %.3f)", i, (int)s.stretch.watch,
                     (int)cases[i].watch, s.stretch.watch_posterior.p);
    }
}

static void arms_that_fail_are_closed_and_a_reverse_fork_that_fails_keeps_the_change(void **state)
{
    (void)state;
    struct stage s = {0};
    const double y[] = {-.2};
    add_one(&s, .2)->failed = true;
    add_one(&s, .1);
    watch(&s, y, 1, false);
    s.stretch.watch_failed = true;
    run(&s);
    assert_int_equal(s.stretch.watch, DECIDE_KEPT);
    expect(&s, 0, DECIDE_FAILED);
    expect(&s, 1, DECIDE_ADOPTED);
}

static void a_trunk_that_fails_is_taken_back_at_once_or_ends_the_run(void **state)
{
    (void)state;
    for (int c = 0; c < 3; c++) {
        struct stage s = {0};
        add_one(&s, .2);
        if (c > 0)
            watch(&s, NULL, 0, false);
        s.stretch.trunk_failed = true, s.stretch.watch_failed = c == 2;
        run(&s);
        assert_int_equal(s.stretch.ends, c != 1);
        assert_int_equal(s.stretch.watch == DECIDE_TAKEN_BACK, c == 1);
        expect(&s, 0, c == 1 ? DECIDE_SUPERSEDED : DECIDE_OPEN); // no pair counts
    }
}

static void what_has_no_inverse_needs_two_pairs_and_who_waits_is_not_judged(void **state)
{
    (void)state;
    struct stage s = {0};
    const double twice[] = {.2, .2};
    add_one(&s, .2)->irreversible = true;
    add_one(&s, -.2)->waits = true;
    run(&s);
    expect(&s, 0, DECIDE_OPEN);
    expect(&s, 1, DECIDE_OPEN);
    gains_init(s.pairs[0], twice, 2);
    s.arms[0].n = 2;
    run(&s);
    expect(&s, 0, DECIDE_ADOPTED);
    expect(&s, 1, DECIDE_SUPERSEDED); // its pairs are against the old recipe
}

/* Drawn stretches, each decided in another order of the arms. */
static void decisions_do_not_depend_on_the_order_of_the_arms(void **state)
{
    (void)state;
    uint64_t next = 0;
    for (int trial = 0; trial < 3000; trial++) {
        struct stage s = {0}, turned = {0};
        for (int i = 0; i < ARMS_MAX; i++) {
            double x[3];
            const unsigned n = 1 + (unsigned)(random_u64(1, next++) % 3);
            for (unsigned j = 0; j < n; j++)
                x[j] = .05 * random_normal(2, next++);
            struct decide_arm *arm = add(&s, x, n);
            arm->failed = random_u64(3, next++) % 10 == 0;
            arm->waits = random_u64(3, next++) % 10 == 0;
        }
        const double y[] = {.03 * random_normal(4, next++)};
        if (trial % 3 == 0)
            watch(&s, y, 1, trial % 2);
        turned = s;
        turned.stretch.arms = turned.arms, turned.stretch.y = turned.y;
        const unsigned shift = 1 + (unsigned)(random_u64(5, next++) % (ARMS_MAX - 1));
        for (unsigned i = 0; i < ARMS_MAX; i++)
            turned.arms[(i + shift) % ARMS_MAX] = s.arms[i];
        run(&s);
        run(&turned);
        assert_int_equal(s.stretch.watch, turned.stretch.watch);
        unsigned adopted = 0;
        for (unsigned i = 0; i < ARMS_MAX; i++) {
            assert_int_equal(s.arms[i].answer, turned.arms[(i + shift) % ARMS_MAX].answer);
            adopted += s.arms[i].answer == DECIDE_ADOPTED;
        }
        assert_true(adopted <= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_clear_gain_is_adopted_after_one_pair_and_the_rest_is_superseded),
        cmocka_unit_test(of_several_the_largest_mean_is_adopted_and_its_equals_return_to_the_queue),
        cmocka_unit_test(of_two_gains_beyond_the_prior_the_larger_is_adopted),
        cmocka_unit_test(equal_means_are_won_by_the_first_registered),
        cmocka_unit_test(who_is_beaten_hopeless_without_sign_or_without_effect_is_closed),
        cmocka_unit_test(ninety_percent_suffice_where_the_arm_would_close_or_money_ends),
        cmocka_unit_test(a_last_chance_is_taken_if_the_gain_pays_for_what_follows),
        cmocka_unit_test(each_arm_hopes_for_the_price_of_its_own_next_stretch),
        cmocka_unit_test(nothing_is_adopted_under_an_open_watch_and_who_is_nearly_sure_waits),
        cmocka_unit_test(a_watch_is_kept_from_eighty_percent_on_and_taken_back_below_twenty),
        cmocka_unit_test(a_watch_that_is_in_its_last_stretch_ends_by_the_sign_of_its_mean),
        cmocka_unit_test(arms_that_fail_are_closed_and_a_reverse_fork_that_fails_keeps_the_change),
        cmocka_unit_test(a_trunk_that_fails_is_taken_back_at_once_or_ends_the_run),
        cmocka_unit_test(what_has_no_inverse_needs_two_pairs_and_who_waits_is_not_judged),
        cmocka_unit_test(decisions_do_not_depend_on_the_order_of_the_arms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
