/* What calls may cost: by a price, against bounds, over what a ledger has. */
#include "tests/unit/support.h"

#include "base/mem.h"
#include "coordinator/ledger/ledger.h"
#include "launcher/llm/llm_budget.h"
#include "proto/schema/message.h"

static Trireme__Call call_of(uint64_t asked, uint64_t answered, double usd, uint32_t turn)
{
    Trireme__Call call = TRIREME__CALL__INIT;
    call.has_prompt_tokens = call.has_answer_tokens = call.has_usd = call.has_turn = true;
    call.prompt_tokens = asked, call.answer_tokens = answered, call.usd = usd, call.turn = turn;
    return call;
}

static void tokens_cost_what_a_million_of_them_does(void **state)
{
    (void)state;
    Trireme__LlmPrice price = TRIREME__LLM_PRICE__INIT;
    price.input = 3, price.output = 15;
    assert_true(llm_budget_usd(&price, 1000000, 0) == 3);
    assert_true(llm_budget_usd(&price, 0, 2000) == 0.03);
}

static void each_bound_ends_the_calls_with_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"llm.budget.calls", "llm.budget.tokens", "llm.budget.usd"};
    for (int i = 0; i < 3; i++) {
        Trireme__Llm *llm = message_new(&trireme__llm__descriptor);
        Trireme__LlmSpent *spent = message_new(&trireme__llm_spent__descriptor);
        struct err err;
        llm->budget->calls = i == 0 ? 2 : 0;
        llm->budget->tokens = i == 1 ? 30 : 0;
        llm->budget->usd = i == 2 ? 0.2 : 0;
        const Trireme__Call call = call_of(10, 5, 0.1, 1);
        assert_int_equal(llm_budget_check(llm, spent, &err), 0);
        llm_budget_add(spent, &call);
        assert_int_equal(llm_budget_check(llm, spent, &err), 0);
        llm_budget_add(spent, &call);
        assert_int_equal(llm_budget_check(llm, spent, &err), -1);
        assert_contains(err.text, names[i]);
        message_free(spent);
        message_free(llm);
    }
}

static void a_bound_in_money_needs_a_price(void **state)
{
    (void)state;
    struct err err;
    Trireme__Llm *llm = message_new(&trireme__llm__descriptor);
    llm->budget->usd = 1;
    assert_int_equal(llm_budget_check_config(llm, &err), -1);
    assert_contains(err.text, "llm.price");
    llm->price->output = 1;
    assert_int_equal(llm_budget_check_config(llm, &err), 0);
    message_free(llm);
}

static void what_a_ledger_has_is_counted_superseded_or_not(void **state)
{
    struct err err;
    struct ledger *ledger = ledger_open(*state, true, &err);
    Trireme__LlmSpent *spent = message_new(&trireme__llm_spent__descriptor);
    assert_int_equal(llm_budget_read(spent, ledger), 0);
    for (uint32_t i = 1; i <= 3; i++) {
        Trireme__Record record = TRIREME__RECORD__INIT;
        Trireme__Call call = call_of(10 * i, i, 0.5, i);
        record.has_kind = true, record.kind = TRIREME__RECORD_KIND__event;
        record.call = i == 2 ? NULL : &call;
        record.has_supersedes = i == 3, record.supersedes = 1;
        assert_int_equal(ledger_append(ledger, &record, &err), 0);
    }
    assert_int_equal(llm_budget_read(spent, ledger), 3);
    assert_int_equal(spent->calls, 2);
    assert_int_equal(spent->tokens, 11 + 33);
    assert_true(spent->usd == 1);
    message_free(spent);
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_cost_what_a_million_of_them_does),
        cmocka_unit_test(each_bound_ends_the_calls_with_its_name),
        cmocka_unit_test(a_bound_in_money_needs_a_price),
        test_in_folder(what_a_ledger_has_is_counted_superseded_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
