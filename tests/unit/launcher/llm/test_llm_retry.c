/* When a call is made again, and when a server is left alone; by a clock of the test. */
#include "tests/unit/support.h"

#include "launcher/llm/llm_retry.h"

static void only_what_may_pass_is_tried_again(void **state)
{
    (void)state;
    static const unsigned again[] = {0, 408, 409, 429, 500, 502, 503, 504, 529},
                          never[] = {301, 400, 401, 403, 404, 413, 422};
    for (size_t i = 0; i < sizeof again / sizeof *again; i++)
        assert_int_equal(llm_retry_of(again[i]), LLM_AGAIN);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        assert_int_equal(llm_retry_of(never[i]), LLM_NEVER);
    assert_int_equal(llm_retry_of(200), LLM_FINE);
}

static void waits_double_up_to_a_bound_with_jitter_below(void **state)
{
    (void)state;
    static const double longest[] = {1, 2, 4, 8, 16, 30, 30, 30};
    for (unsigned i = 0; i < sizeof longest / sizeof *longest; i++) {
        assert_true(llm_retry_wait(i + 1, 0, 0) == longest[i] / 2);
        assert_true(llm_retry_wait(i + 1, 0, 0.5) == longest[i] * 0.75);
        assert_true(llm_retry_wait(i + 1, 0, 0.999) < longest[i]);
    }
}

static void a_server_is_never_asked_sooner_than_it_says(void **state)
{
    (void)state;
    assert_true(llm_retry_wait(1, 7, 0) == 7);
    assert_true(llm_retry_wait(4, 7, 0.9) >= 7 && llm_retry_wait(4, 7, 0.9) < 8);
}

static void a_server_that_fails_thrice_is_left_alone_for_longer_each_time(void **state)
{
    (void)state;
    struct llm_breaker b = {0};
    double seconds, now = 1000;
    for (int i = 0; i < 3; i++) {
        assert_true(llm_breaker_lets(&b, now, &seconds));
        llm_breaker_note(&b, false, false, 0, now);
    }
    assert_false(llm_breaker_lets(&b, now + 59, &seconds));
    assert_true(seconds == 1);
    assert_true(llm_breaker_lets(&b, now + 60, &seconds)); // one turn, to try
    llm_breaker_note(&b, false, false, 0, now + 60);
    assert_false(llm_breaker_lets(&b, now + 60 + 119, &seconds));
    assert_true(llm_breaker_lets(&b, now + 60 + 120, &seconds));
    for (int i = 0; i < 100; i++)
        llm_breaker_note(&b, false, false, 0, now);
    assert_true(llm_breaker_lets(&b, now + 1800, &seconds));
    llm_breaker_note(&b, true, false, 0, now);
    llm_breaker_note(&b, false, false, 0, now);
    assert_true(llm_breaker_lets(&b, now, &seconds)); // closed: counting begins anew
}

static void a_failure_that_no_call_mends_opens_it_at_once(void **state)
{
    (void)state;
    struct llm_breaker b = {0};
    double seconds;
    llm_breaker_note(&b, false, true, 0, 0);
    assert_false(llm_breaker_lets(&b, 1, &seconds));
}

static void a_server_that_asks_for_it_is_left_alone_over_turns(void **state)
{
    (void)state;
    struct llm_breaker b = {0};
    double seconds;
    llm_breaker_note(&b, false, false, 3600, 1000);
    assert_false(llm_breaker_lets(&b, 1000 + 3599, &seconds));
    assert_true(seconds == 1);
    assert_true(llm_breaker_lets(&b, 1000 + 3600, &seconds));
    llm_breaker_note(&b, false, false, 1e12, 5000);
    assert_true(llm_breaker_lets(&b, 5000 + 86400, &seconds)); // nobody asks for more than a day
    llm_breaker_note(&b, false, false, 3600, 5000);
    llm_breaker_note(&b, true, false, 0, 5000);
    assert_true(llm_breaker_lets(&b, 5000, &seconds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_may_pass_is_tried_again),
        cmocka_unit_test(waits_double_up_to_a_bound_with_jitter_below),
        cmocka_unit_test(a_server_is_never_asked_sooner_than_it_says),
        cmocka_unit_test(a_server_that_fails_thrice_is_left_alone_for_longer_each_time),
        cmocka_unit_test(a_failure_that_no_call_mends_opens_it_at_once),
        cmocka_unit_test(a_server_that_asks_for_it_is_left_alone_over_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
