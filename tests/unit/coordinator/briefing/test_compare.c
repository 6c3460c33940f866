/* Two arms at the steps that both have. */
#include "tests/unit/support.h"

#include "coordinator/briefing/compare.h"
#include "coordinator/briefing/curve.h"

#include <math.h>

/* b leads a by -0.1, -0.3, -0.1, ... at the steps 3 to 8, of which 5 has another size. */
static void only_steps_of_one_number_and_one_size_are_compared(void **state)
{
    (void)state;
    struct curve_step a[8] = {{0}}, b[8] = {{0}};
    for (uint64_t i = 0; i < 8; i++) {
        a[i] = (struct curve_step){.step = i + 1, .tokens = 256, .loss = 3};
        b[i] = (struct curve_step){
            .step = i + 3, .tokens = i == 2 ? 128 : 256, .loss = i % 2 ? 3.3 : 3.1};
    }
    const struct compared c = compare_steps(a, 8, b, 8, 2);
    assert_int_equal(c.n, 5);
    assert_int_equal(c.n_other, 1);
    assert_int_equal(c.from, 3);
    assert_int_equal(c.to, 8);
    assert_int_equal(c.step_tokens, 256);
    // .1 .3 .3 .1 .3: mean .22, squares about it 2 x .0144 + 3 x .0064
    assert_true(fabs(c.lead - 0.22) < 1e-12);
    assert_true(fabs(c.error - sqrt(0.048 / 4 / 5)) < 1e-12);
    assert_int_equal(c.n_last, 2);
    assert_true(fabs(c.last_lead - 0.2) < 1e-12);
    assert_true(fabs(c.last_error - 0.1) < 1e-12);
}

static void arms_that_were_never_at_the_same_steps_have_none_in_common(void **state)
{
    (void)state;
    const struct curve_step a[] = {
        {.step = 1, .tokens = 1},
        {.step = 2, .tokens = 1}
    };
    const struct curve_step b[] = {
        {.step = 3, .tokens = 1},
        {.step = 4, .tokens = 1}
    };
    assert_int_equal(compare_steps(a, 2, b, 2, 20).n, 0);
    assert_int_equal(compare_steps(a, 2, b, 0, 20).n, 0);
    assert_int_equal(compare_steps(b, 1, b, 2, 20).n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_steps_of_one_number_and_one_size_are_compared),
        cmocka_unit_test(arms_that_were_never_at_the_same_steps_have_none_in_common),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
