#include "tests/unit/support.h"

#include "coordinator/train/liveness.h"

static void ranks_have_names_that_people_can_find(void **state)
{
    (void)state;
    struct liveness *w = liveness_new(4, 2, 60, 0);
    liveness_identify(w, 3, "node7", 4711);
    assert_string_equal(liveness_rank_name(w, 1), "server 0 (rank 1)");
    assert_string_equal(liveness_rank_name(w, 2), "server 1 (rank 2)");
    assert_string_equal(liveness_rank_name(w, 3), "worker 0 (rank 3 on node7, process 4711)");
    char host[400];
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = 0;
    liveness_identify(w, 3, host, UINT64_MAX);
    assert_contains(liveness_rank_name(w, 3), "hhh, process 18446744073709551615)");
    liveness_identify(w, 3, NULL, 0);
    assert_string_equal(liveness_rank_name(w, 3), "worker 0 (rank 3)");
    liveness_free(w);
}

static void a_silent_rank_is_named_with_what_was_awaited(void **state)
{
    (void)state;
    struct err err;
    struct liveness *w = liveness_new(3, 1, 60, 0);
    liveness_await(w, 2, AWAIT_LOSSES, 10);
    liveness_heard(w, 1, 1, 50);
    assert_int_equal(liveness_check(w, 60, &err), 0);
    assert_int_equal(liveness_check(w, 61, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_string_equal(
        err.text,
        "worker 0 (rank 2) has been silent for 61 s while its part of a step was awaited");
    liveness_heard(w, 2, UINT64_MAX, 61);
    liveness_arrived(w, 2, AWAIT_LOSSES);
    assert_int_equal(liveness_check(w, 111, &err), -1);
    assert_string_equal(
        err.text, "server 0 (rank 1) has been silent for 61 s while a sign of life was awaited");
    liveness_free(w);
}

static void a_rank_that_lives_but_does_not_get_on_is_named_later(void **state)
{
    (void)state;
    struct err err;
    struct liveness *w = liveness_new(3, 1, 10, 0);
    liveness_await(w, 2, AWAIT_EVAL, 0);
    liveness_await(w, 1, AWAIT_NORMS, 0);
    liveness_arrived(w, 1, AWAIT_NORMS); // nothing is awaited of it: it may idle for ever
    for (double now = 1; now <= 100; now++) {
        liveness_heard(w, 1, 5, now);
        liveness_heard(w, 2, 5, now); // it beats, but does no work
        assert_int_equal(liveness_check(w, now, &err), 0);
    }
    liveness_heard(w, 2, 5, 102);
    liveness_heard(w, 1, 5, 102);
    assert_int_equal(liveness_check(w, 102, &err), -1);
    assert_string_equal(
        err.text,
        "worker 0 (rank 2) has not got on for 101 s while its part of an evaluation was awaited");
    liveness_step(w, 20); // steps may be long: the limit is twenty of the longest
    assert_int_equal(liveness_check(w, 102, &err), 0);
    liveness_heard(w, 2, 6, 103); // work was done
    for (double now = 104; now <= 500; now += 5) {
        liveness_heard(w, 1, 5, now);
        liveness_heard(w, 2, 6, now);
        assert_int_equal(liveness_check(w, now, &err), 0);
    }
    liveness_heard(w, 1, 5, 504);
    liveness_heard(w, 2, 6, 504);
    assert_int_equal(liveness_check(w, 504, &err), -1);
    liveness_free(w);
}

static void nobody_is_blamed_for_time_in_which_the_coordinator_was_away(void **state)
{
    (void)state;
    struct err err;
    struct liveness *w = liveness_new(3, 1, 10, 0);
    liveness_await(w, 2, AWAIT_SHARD, 0);
    liveness_forgive(w, 1000);
    assert_int_equal(liveness_check(w, 1010, &err), 0);
    assert_int_equal(liveness_check(w, 1011, &err), -1);
    liveness_free(w);
}

static void what_is_awaited_of_several_ranks_is_there_with_the_last(void **state)
{
    (void)state;
    struct liveness *w = liveness_new(4, 1, 10, 0);
    liveness_await(w, 2, AWAIT_LOSSES, 0);
    liveness_await(w, 3, AWAIT_LOSSES, 0);
    liveness_await(w, 3, AWAIT_EVAL, 0);
    liveness_arrived(w, 3, AWAIT_LOSSES);
    assert_true(liveness_awaits(w, AWAIT_LOSSES));
    liveness_arrived(w, 2, AWAIT_LOSSES);
    assert_false(liveness_awaits(w, AWAIT_LOSSES));
    assert_true(liveness_awaits(w, AWAIT_EVAL));
    liveness_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_have_names_that_people_can_find),
        cmocka_unit_test(a_silent_rank_is_named_with_what_was_awaited),
        cmocka_unit_test(a_rank_that_lives_but_does_not_get_on_is_named_later),
        cmocka_unit_test(nobody_is_blamed_for_time_in_which_the_coordinator_was_away),
        cmocka_unit_test(what_is_awaited_of_several_ranks_is_there_with_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
