/* What a request may tell of calls of a language model. */
#include "tests/unit/support.h"

#include "coordinator/proposals/model_calls.h"

#include <math.h>

static int check(const Trireme__Call *call, struct err *err)
{
    Trireme__Call *calls[] = {(Trireme__Call *)call};
    return model_calls_check(calls, 1, err);
}

static void calls_have_a_turn_and_numbers_of_which_none_is_below_0(void **state)
{
    (void)state;
    struct err err;
    Trireme__Call good = TRIREME__CALL__INIT;
    good.turn = 3, good.prompt_tokens = 900, good.answer_tokens = 60;
    good.usd = 0.5, good.ms = 700;
    assert_int_equal(check(&good, &err), 0);
    Trireme__Call bad[7];
    const char *const parts[] = {"no turn", "tokens", "tokens", "USD", "USD", "ms", "ms"};
    for (int i = 0; i < 7; i++)
        bad[i] = good;
    bad[0].turn = 0;
    bad[1].prompt_tokens = UINT64_MAX;
    bad[2].answer_tokens = UINT64_MAX;
    bad[3].usd = -1;
    bad[4].usd = NAN;
    bad[5].ms = -1;
    bad[6].ms = INFINITY;
    for (int i = 0; i < 7; i++) {
        assert_int_equal(check(&bad[i], &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        assert_contains(err.text, parts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_have_a_turn_and_numbers_of_which_none_is_below_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
