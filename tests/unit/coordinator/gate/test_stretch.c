/* How long a stretch is, who takes part, what it costs. */
#include "tests/unit/support.h"

#include "coordinator/gate/stretch.h"

#include <math.h>

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-8 * fabs(expected)))
        fail_msg("found %.12g, expected %.12g", found, expected);
}

static void a_worked_stretch_of_small_steps(void **state)
{
    (void)state;
    const uint64_t tokens[] = {16 * 64};
    const struct stretch s = stretch_of(STRETCH_PLAIN, 50, 16, tokens, 1);
    assert_int_equal(s.horizon, 10);
    assert_int_equal(s.tail, 5);
    assert_int_equal(s.windows, 64);
    assert_near(stretch_arm_tokens(&s, 1024, 64) / 1024, 16.3333333333);
    assert_near(stretch_fixed_tokens(&s, 1024, 64) / 1024, 6.33333333333);
}

static void calm_stretches_are_longer_with_tails_as_long_as_they(void **state)
{
    (void)state;
    static const struct {
        uint64_t start, plain, plain_tail, calm;
    } cases[] = {
        {1,    10,  5,  10 },
        {40,   10,  5,  10 },
        {60,   10,  5,  15 },
        {61,   11,  6,  16 },
        {240,  40,  20, 60 },
        {1000, 167, 84, 250},
    };
    const uint64_t tokens[] = {1024, 1024, 1024};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct stretch plain = stretch_of(STRETCH_PLAIN, cases[i].start, 16, tokens, 3),
                             calm = stretch_of(STRETCH_CALM, cases[i].start, 16, tokens, 3);
        assert_int_equal(plain.horizon, cases[i].plain);
        assert_int_equal(plain.tail, cases[i].plain_tail);
        assert_int_equal(calm.horizon, cases[i].calm);
        assert_int_equal(calm.tail, cases[i].calm);
    }
}

static void all_arms_have_whole_steps_in_a_stretch_and_in_its_tail(void **state)
{
    (void)state;
    const uint64_t sets[][4] = {
        {1024, 512,  1024, 1024},
        {1024, 1536, 512,  1024},
        {1024, 768,  1280, 2048},
        {96,   64,   128,  32  },
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        for (uint64_t start = 40; start < 400; start += 7)
            for (int kind = STRETCH_PLAIN; kind <= STRETCH_CALM; kind++) {
                const struct stretch s = stretch_of((enum stretch_kind)kind, start, 16, sets[i], 4);
                for (size_t a = 0; a < 4; a++) {
                    assert_int_equal(s.horizon * sets[i][0] % sets[i][a], 0);
                    assert_int_equal(s.tail * sets[i][0] % sets[i][a], 0);
                }
                assert_true(s.horizon * 6 >= start && s.tail * 2 >= s.horizon);
            }
}

static void windows_are_a_quarter_of_the_samples_within_bounds(void **state)
{
    (void)state;
    const uint64_t tokens[] = {1024};
    assert_int_equal(stretch_of(STRETCH_PLAIN, 50, 8, tokens, 1).windows, 64);
    assert_int_equal(stretch_of(STRETCH_PLAIN, 240, 16, tokens, 1).windows, 160);
    assert_int_equal(stretch_of(STRETCH_PLAIN, 6000, 16, tokens, 1).windows, 1024);
}

static void the_first_stretch_waits_for_forty_steps_and_the_warmup(void **state)
{
    (void)state;
    assert_int_equal(stretch_first(&rule_default, 0), 40);
    assert_int_equal(stretch_first(&rule_default, 40), 40);
    assert_int_equal(stretch_first(&rule_default, 50), 50);
    assert_int_equal(stretch_first(&rule_default, 51), 60);
    assert_false(stretch_is_late(&rule_default, 1080, 1800));
    assert_true(stretch_is_late(&rule_default, 1081, 1800));
    assert_true(stretch_is_late(&rule_default, 1050, 1744));
}

static void a_stretch_fits_with_its_tail(void **state)
{
    (void)state;
    const struct stretch s = {.start = 100, .horizon = 20, .tail = 10};
    assert_true(stretch_fits(&s, 130));
    assert_false(stretch_fits(&s, 129));
}

static void plain_changes_go_first_unless_a_watch_says_otherwise(void **state)
{
    (void)state;
    const struct stretch_candidate both[] = {
        {.number = 1, .kind = STRETCH_CALM, .open = true},
        {.number = 2,           .kind = STRETCH_PLAIN                    }
    };
    assert_int_equal(stretch_next_kind(both, 2, false, STRETCH_PLAIN), STRETCH_PLAIN);
    assert_int_equal(stretch_next_kind(both, 1, false, STRETCH_PLAIN), STRETCH_CALM);
    assert_int_equal(stretch_next_kind(both, 2, true, STRETCH_CALM), STRETCH_CALM);
    assert_int_equal(stretch_next_kind(both, 1, true, STRETCH_PLAIN), STRETCH_PLAIN);
}

static void
open_ones_come_first_then_returned_slow_and_fast_ones_in_the_planners_order(void **state)
{
    (void)state;
    const struct stretch_candidate queue[] = {
        {.number = 1      },
        {.number = 2,       .slow = true},
        {.number = 3,                 .slow = true, .kind = STRETCH_CALM},
        {.number = 4,.returned = true},
        {.number = 5,                 .open = true},
        {.number = 6,             .slow = true},
        {.number = 7,       .open = true, .slow = true},
        {.number = 8                },
    };
    static const uint32_t expected[] = {5, 7, 4, 2, 6, 1, 8};
    size_t chosen[8];
    for (size_t forks = 1; forks <= 7; forks++) {
        assert_int_equal(stretch_choose(chosen, forks, STRETCH_PLAIN, queue, 8), forks);
        for (size_t i = 0; i < forks; i++)
            assert_int_equal(queue[chosen[i]].number, expected[i]);
    }
    assert_int_equal(stretch_choose(chosen, 8, STRETCH_PLAIN, queue, 8), 7);
    assert_int_equal(stretch_choose(chosen, 8, STRETCH_CALM, queue, 8), 1);
    assert_int_equal(queue[chosen[0]].number, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worked_stretch_of_small_steps),
        cmocka_unit_test(calm_stretches_are_longer_with_tails_as_long_as_they),
        cmocka_unit_test(all_arms_have_whole_steps_in_a_stretch_and_in_its_tail),
        cmocka_unit_test(windows_are_a_quarter_of_the_samples_within_bounds),
        cmocka_unit_test(the_first_stretch_waits_for_forty_steps_and_the_warmup),
        cmocka_unit_test(a_stretch_fits_with_its_tail),
        cmocka_unit_test(plain_changes_go_first_unless_a_watch_says_otherwise),
        cmocka_unit_test(
            open_ones_come_first_then_returned_slow_and_fast_ones_in_the_planners_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
