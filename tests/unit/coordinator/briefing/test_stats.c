#include "tests/unit/support.h"

#include "coordinator/briefing/stats.h"

#include <math.h>

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-9 * fmax(1, fabs(expected))))
        fail_msg("found %.12g, expected %.12g", found, expected);
}

static void the_median_is_the_middle_or_between_the_two(void **state)
{
    (void)state;
    double odd[] = {5, 1, 3}, even[] = {4, 1, 3, 2};
    assert_near(stats_median(odd, 3), 3);
    assert_near(stats_median(even, 4), 2.5);
    assert_true(isnan(stats_median(odd, 0)));
}

/* By hand: deviations -2 -1 0 3, their squares 14, 14/3/4. */
static void the_error_of_a_mean_is_that_of_independent_values(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 6};
    double mean = 0, error = -1;
    stats_mean(&mean, &error, values, 4);
    assert_near(mean, 3);
    assert_near(error, sqrt(14.0 / 12));
    stats_mean(&mean, &error, values, 1);
    assert_near(mean, 3);
}

/* By hand: slope 3.5/5, residuals -.7 .6 .9 -.8. The quantile is that of a table: 4.302653. */
static void a_line_and_its_interval_are_those_of_least_squares(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4}, y[] = {2, 4, 5, 4};
    const struct stats_line line = stats_line_fit(x, y, 4);
    assert_near(line.slope, 0.7);
    assert_near(line.sd, sqrt(2.3 / 2));
    assert_near(stats_line_at(&line, 6), 6.2);
    assert_true(fabs(stats_line_half_width(&line, 6) - 8.875362) < 1e-5);
}

static void a_line_through_one_place_is_level(void **state)
{
    (void)state;
    const double x[] = {2, 2, 2}, y[] = {1, 2, 3};
    const struct stats_line line = stats_line_fit(x, y, 3);
    assert_near(line.slope, 0);
    assert_near(stats_line_at(&line, 100), 2);
    assert_true(isfinite(stats_line_half_width(&line, 100)));
}

static void a_spike_is_far_above_what_most_steps_are(void **state)
{
    (void)state;
    double x[50], y[50];
    for (int i = 0; i < 50; i++)
        x[i] = i, y[i] = 3 + (i % 2 ? 0.1 : -0.1);
    struct stats_line line = stats_line_fit(x, y, 50);
    assert_int_equal(stats_line_spikes(&line, x, y, 50), 0);
    y[10] = 8, y[30] = 9, y[40] = -9;
    line = stats_line_fit(x, y, 50);
    assert_int_equal(stats_line_spikes(&line, x, y, 50), 2);
}

static void numbers_are_rounded_to_significant_digits(void **state)
{
    (void)state;
    assert_true(stats_round(0.000123456, 3) == 0.000123 && stats_round(123456, 2) == 120000);
    assert_true(stats_round(-2.71828, 4) == -2.718 && isnan(stats_round((double)NAN, 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_median_is_the_middle_or_between_the_two),
        cmocka_unit_test(the_error_of_a_mean_is_that_of_independent_values),
        cmocka_unit_test(a_line_and_its_interval_are_those_of_least_squares),
        cmocka_unit_test(a_line_through_one_place_is_level),
        cmocka_unit_test(a_spike_is_far_above_what_most_steps_are),
        cmocka_unit_test(numbers_are_rounded_to_significant_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
