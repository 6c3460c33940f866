#include "tests/unit/support.h"

#include "base/random.h"

#include <math.h>

static void check_block(uint64_t key, uint64_t low, uint64_t high, const uint32_t expected[4])
{
    uint32_t found[4];
    random_block(found, key, low, high);
    for (int i = 0; i < 4; i++)
        if (found[i] != expected[i])
            fail_msg("word %d: found %08x, expected %08x", i, found[i], expected[i]);
}

static void philox_gives_the_known_answers_of_random123(void **state)
{
    (void)state;
    check_block(0, 0, 0, (const uint32_t[]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    check_block(UINT64_MAX, UINT64_MAX, UINT64_MAX,
                (const uint32_t[]){0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    check_block(0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e,
                (const uint32_t[]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

static void numbers_do_not_depend_on_what_was_drawn_before(void **state)
{
    (void)state;
    double last = random_normal(7, 1000), first = random_normal(7, 0);
    assert_true(first == random_normal(7, 0) && last == random_normal(7, 1000));
    assert_true(random_u64(7, 3) == random_u64(7, 3));
    assert_true(random_u64(7, 3) != random_u64(8, 3) && random_u64(7, 3) != random_u64(7, 4));
}

static void uniform_numbers_lie_below_one_and_are_even(void **state)
{
    (void)state;
    enum { N = 100000 };
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < N; i++) {
        double u = random_uniform(11, i);
        if (!(u >= 0 && u < 1))
            fail_msg("number %llu is %g", (unsigned long long)i, u);
        sum += u;
        squares += u * u;
    }
    assert_true(fabs(sum / N - 0.5) < 0.005);         // five standard errors
    assert_true(fabs(squares / N - 1.0 / 3) < 0.005); // of the second moment too
}

static void normal_numbers_have_the_moments_of_the_normal_distribution(void **state)
{
    (void)state;
    enum { N = 200000 };
    double sum[5] = {0};
    int beyond_three = 0;
    for (uint64_t i = 0; i < N; i++) {
        double x = random_normal(5, i);
        assert_true(isfinite(x));
        beyond_three += fabs(x) > 3;
        for (int p = 1; p <= 4; p++)
            sum[p] += pow(x, p);
    }
    assert_true(fabs(sum[1] / N) < 0.012);
    assert_true(fabs(sum[2] / N - 1) < 0.016);
    assert_true(fabs(sum[3] / N) < 0.045);
    assert_true(fabs(sum[4] / N - 3) < 0.11);
    assert_true(beyond_three > 0.0020 * N && beyond_three < 0.0034 * N); // 0.0027 of them
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers_of_random123),
        cmocka_unit_test(numbers_do_not_depend_on_what_was_drawn_before),
        cmocka_unit_test(uniform_numbers_lie_below_one_and_are_even),
        cmocka_unit_test(normal_numbers_have_the_moments_of_the_normal_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
