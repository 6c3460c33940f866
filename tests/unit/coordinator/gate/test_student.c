/* Student's t distribution. */
#include "tests/unit/support.h"

#include "coordinator/gate/student.h"

#include <math.h>

static void assert_near(double found, double expected, double relative)
{
    if (!(fabs(found - expected) <= relative * fabs(expected)))
        fail_msg("found %.12g, expected %.12g", found, expected);
}

static void the_tail_of_students_t_is_exact(void **state)
{
    (void)state;
    static const struct {
        double t;
        unsigned nu;
        double tail;
    } known[] = {
        {2,     3, 0.0696629843  },
        {4.54,  3, 0.0100041693  },
        {3.5,   7, 0.00499652044 },
        {-1,    2, 0.788675135   },
        {22.33, 2, 0.000999743267},
        {1,     1, 0.25          }, // Cauchy's: 1/2 - atan(1)/pi
        {0,     5, 0.5           },
        {2,     4, 0.0580582618  }, // 1/2 - 5/8 sqrt(1/2)
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_near(student_tail(known[i].t, known[i].nu), known[i].tail, 1e-8);
    for (unsigned nu = 1; nu <= 9; nu++) {
        assert_near(student_tail(1.7, nu) + student_tail(-1.7, nu), 1, 1e-14);
        assert_true(student_tail(INFINITY, nu) < 1e-15 && student_tail(-INFINITY, nu) > 1 - 1e-15);
    }
}

static void quantiles_are_those_of_the_tables(void **state)
{
    (void)state;
    static const struct {
        double tail;
        unsigned nu;
        double t;
    } known[] = {
        {0.025, 2, 4.302653 },
        {0.025, 3, 3.182446 },
        {0.025, 5, 2.570582 },
        {0.025, 7, 2.364624 },
        {0.25,  1, 1        },
        {0.05,  4, 2.131847 },
        {0.975, 3, -3.182446},
        {0.9,   1, -3.077684},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_near(student_quantile(known[i].tail, known[i].nu), known[i].t, 2e-7);
    for (unsigned nu = 1; nu <= 9; nu++)
        assert_true(fabs(student_quantile(0.5, nu)) < 1e-12);
}

static void a_quantiles_tail_is_the_tail_that_was_asked_for(void **state)
{
    (void)state;
    static const double tails[] = {1e-6, 0.001, 0.015, 0.2, 0.4999, 0.7, 0.999};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
        for (unsigned nu = 1; nu <= 12; nu++)
            assert_near(student_tail(student_quantile(tails[i], nu), nu), tails[i], 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tail_of_students_t_is_exact),
        cmocka_unit_test(quantiles_are_those_of_the_tables),
        cmocka_unit_test(a_quantiles_tail_is_the_tail_that_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
