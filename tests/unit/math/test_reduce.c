#include "tests/unit/support.h"

#include "math/reduce.h"

#include <math.h>

static void squares_are_summed_in_double(void **state)
{
    (void)state;
    enum { N = 100003 };
    static float x[N];
    double expected = 0;
    for (int i = 0; i < N; i++) {
        x[i] = sinf(0.1f * (float)i);
        expected += (double)x[i] * (double)x[i];
    }
    assert_true(fabs(reduce_squares(x, N) - expected) < 1e-9 * expected);
    assert_true(reduce_squares(x, 0) == 0);
    assert_true(reduce_squares(x + 1, 1) == (double)x[1] * (double)x[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(squares_are_summed_in_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
