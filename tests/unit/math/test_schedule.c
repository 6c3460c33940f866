#include "tests/unit/support.h"

#include "math/schedule.h"

#include <math.h>

static void rates_are_those_of_the_contract(void **state)
{
    (void)state;
    struct schedule s = {
        .kind = SCHEDULE_COSINE, .lr = 1e-3, .min_lr = 1e-4, .warmup = 10, .steps = 110};
    assert_true(fabs(schedule_lr(&s, 0) - 1e-4) < 1e-18);
    assert_true(fabs(schedule_lr(&s, 9) - 1e-3) < 1e-18);
    assert_true(fabs(schedule_lr(&s, 10) - 1e-3) < 1e-18);
    assert_true(fabs(schedule_lr(&s, 60) - 5.5e-4) < 1e-15);
    assert_true(fabs(schedule_lr(&s, 110) - 1e-4) < 1e-18);
    assert_true(fabs(schedule_lr(&s, 1000) - 1e-4) < 1e-18);
    s.kind = SCHEDULE_LINEAR;
    assert_true(fabs(schedule_lr(&s, 35) - (1e-4 + 0.75 * 9e-4)) < 1e-15);
    s.kind = SCHEDULE_CONSTANT;
    assert_true(schedule_lr(&s, 100) == 1e-3);
    s.warmup = 0;
    assert_true(schedule_lr(&s, 0) == 1e-3);
}

/* Its length is set in tokens where experiments have spent some. */
static void a_run_may_end_between_two_whole_steps(void **state)
{
    (void)state;
    struct schedule s = {
        .kind = SCHEDULE_LINEAR, .lr = 1e-3, .min_lr = 0, .warmup = 10, .steps = 110.5};
    assert_true(fabs(schedule_lr(&s, 60.25) - 0.5e-3) < 1e-15);
    assert_true(fabs(schedule_lr(&s, 110) - 1e-3 * 0.5 / 100.5) < 1e-15);
    assert_true(schedule_lr(&s, 110.5) == 0);
    assert_true(schedule_lr(&s, 111) == 0);
    s.kind = SCHEDULE_COSINE;
    assert_true(fabs(schedule_lr(&s, 60.25) - 0.5e-3) < 1e-15);
    assert_true(schedule_lr(&s, 110) > 0);
}

static void a_run_that_ends_within_its_warmup_has_the_least_rate_behind_it(void **state)
{
    (void)state;
    for (double steps = 0; steps <= 10; steps += 2.5) {
        const struct schedule s = {
            .kind = SCHEDULE_LINEAR, .lr = 1e-3, .min_lr = 1e-4, .warmup = 10, .steps = steps};
        assert_true(schedule_lr(&s, 9) == 1e-3);
        assert_true(schedule_lr(&s, 10) == 1e-3);
        assert_true(fabs(schedule_lr(&s, 11) - 1e-4) < 1e-18);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_those_of_the_contract),
        cmocka_unit_test(a_run_may_end_between_two_whole_steps),
        cmocka_unit_test(a_run_that_ends_within_its_warmup_has_the_least_rate_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
