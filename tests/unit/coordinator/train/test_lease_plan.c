#include "tests/unit/support.h"

#include "coordinator/train/lease_plan.h"

static void a_plan_leases_each_leaf_once_and_none_to_the_inactive(void **state)
{
    (void)state;
    enum { WORKERS = 6 };
    for (unsigned set = 1; set < 1 << WORKERS; set++)
        for (uint32_t n = 1; n <= 20; n++) {
            bool active[WORKERS];
            struct leaf_range ranges[WORKERS];
            uint32_t next = 0, least = UINT32_MAX, most = 0;
            for (int w = 0; w < WORKERS; w++)
                active[w] = set >> w & 1;
            lease_plan(ranges, WORKERS, active, n);
            for (int w = 0; w < WORKERS; w++) {
                if (!active[w]) {
                    assert_int_equal(ranges[w].count, 0);
                    continue;
                }
                if (ranges[w].count)
                    assert_int_equal(ranges[w].first, next);
                next += ranges[w].count;
                least = ranges[w].count < least ? ranges[w].count : least;
                most = ranges[w].count > most ? ranges[w].count : most;
            }
            assert_int_equal(next, n);
            assert_true(most - least <= 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_leases_each_leaf_once_and_none_to_the_inactive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
