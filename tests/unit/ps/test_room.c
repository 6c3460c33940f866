#include "tests/unit/support.h"

#include "ps/room.h"

static void check_refused(char *refusal, const char *sentence)
{
    assert_non_null(refusal);
    assert_string_equal(refusal, sentence);
    free(refusal);
}

static void forks_have_the_memory_that_the_run_allows_them(void **state)
{
    (void)state;
    assert_null(room_refusal(100, 200, 300, 0)); // the machine's own figure does not count
    check_refused(room_refusal(100, 201, 300, UINT64_MAX),
                  "a fork takes 100 bytes beside 201 of other forks, and experiment.memory allows "
                  "300 for all");
    check_refused(
        room_refusal(301, 0, 300, UINT64_MAX),
        "a fork takes 301 bytes beside 0 of other forks, and experiment.memory allows 300 for all");
}

static void without_a_limit_a_fork_may_take_half_of_what_is_free(void **state)
{
    (void)state;
    assert_null(room_refusal(100, 1000, 0, 200));
    check_refused(room_refusal(101, 0, 0, 200),
                  "a fork takes 101 bytes, more than half of the 200 that are free");
    assert_null(room_refusal(1ull << 60, 0, 0, UINT64_MAX)); // not known
}

static void this_machine_says_what_is_free(void **state)
{
    (void)state;
    uint64_t found = room_available();
    assert_true(found > 1 << 20 && found < 1ull << 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forks_have_the_memory_that_the_run_allows_them),
        cmocka_unit_test(without_a_limit_a_fork_may_take_half_of_what_is_free),
        cmocka_unit_test(this_machine_says_what_is_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
