#include "tests/unit/support.h"

#include "launcher/batch/time_left.h"

static void a_job_of_unknown_end_leaves_what_was_asked_for(void **state)
{
    (void)state;
    assert_true(time_left_bound(0, 0, 1000) == 0);
    assert_true(time_left_bound(50, 0, 1000) == 50);
}

static void a_run_ends_a_minute_or_a_quarter_before_the_job(void **state)
{
    (void)state;
    assert_true(time_left_bound(0, 4600, 1000) == 3540);
    assert_true(time_left_bound(0, 1060, 1000) == 45);
    assert_true(time_left_bound(0, 1240, 1000) == 180);
}

static void what_was_asked_for_holds_if_it_ends_before_the_job(void **state)
{
    (void)state;
    assert_true(time_left_bound(3590, 4600, 1000) == 3590);
    assert_true(time_left_bound(3610, 4600, 1000) == 3540);
}

static void a_job_that_is_over_leaves_a_moment_and_not_no_bound(void **state)
{
    (void)state;
    assert_true(time_left_bound(0, 900, 1000) > 0);
    assert_true(time_left_bound(0, 900, 1000) < 0.01);
    assert_true(time_left_bound(5, 900, 1000) < 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_of_unknown_end_leaves_what_was_asked_for),
        cmocka_unit_test(a_run_ends_a_minute_or_a_quarter_before_the_job),
        cmocka_unit_test(what_was_asked_for_holds_if_it_ends_before_the_job),
        cmocka_unit_test(a_job_that_is_over_leaves_a_moment_and_not_no_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
