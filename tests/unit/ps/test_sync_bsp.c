#include "tests/unit/support.h"

#include "ps/sync.h"

static void bulk_synchronous_takes_the_newest_holds_the_next_and_refuses_others(void **state)
{
    (void)state;
    assert_int_equal(sync_bsp.on_push(5, 5), SYNC_TAKE);
    assert_int_equal(sync_bsp.on_push(5, 4), SYNC_REFUSE);
    assert_int_equal(sync_bsp.on_push(5, 6), SYNC_REFUSE);
    assert_int_equal(sync_bsp.on_pull(5, 5), SYNC_TAKE);
    assert_int_equal(sync_bsp.on_pull(5, 6), SYNC_HOLD);
    assert_int_equal(sync_bsp.on_pull(5, 7), SYNC_REFUSE);
    assert_int_equal(sync_bsp.on_pull(5, 4), SYNC_REFUSE);
    assert_int_equal(sync_bsp.on_pull(0, UINT64_MAX), SYNC_REFUSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bulk_synchronous_takes_the_newest_holds_the_next_and_refuses_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
