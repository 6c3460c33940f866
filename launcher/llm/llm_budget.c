#include "launcher/llm/llm_budget.h"

#include "coordinator/ledger/ledger.h"

static const double million = 1e6;

double llm_budget_usd(const Trireme__LlmPrice *price, uint64_t prompt_tokens,
                      uint64_t answer_tokens)
{
    return (price->input * (double)prompt_tokens + price->output * (double)answer_tokens) / million;
}

int llm_budget_check(const Trireme__Llm *llm, const Trireme__LlmSpent *spent, struct err *err)
{
    const Trireme__LlmBudget *budget = llm->budget;
    if (budget->calls && spent->calls >= budget->calls)
        return err_set(err, ERR_USAGE, "llm.budget.calls: found %u calls, expected at most %u",
                       spent->calls, budget->calls);
    if (budget->tokens && spent->tokens >= budget->tokens)
        return err_set(err, ERR_USAGE,
                       "llm.budget.tokens: found %llu tokens, expected at most %llu",
                       (unsigned long long)spent->tokens, (unsigned long long)budget->tokens);
    if (budget->usd > 0 && spent->usd >= budget->usd)
        return err_set(err, ERR_USAGE, "llm.budget.usd: found %.4g USD, expected at most %.4g",
                       spent->usd, budget->usd);
    return 0;
}

void llm_budget_add(Trireme__LlmSpent *spent, const Trireme__Call *call)
{
    spent->has_calls = spent->has_tokens = spent->has_usd = true;
    spent->calls++;
    spent->tokens += call->prompt_tokens + call->answer_tokens;
    spent->usd += call->usd;
}

uint32_t llm_budget_read(Trireme__LlmSpent *spent, const struct ledger *ledger)
{
    uint32_t turn = 0;
    for (size_t i = 0; i < ledger_records(ledger); i++) {
        const Trireme__Record *record = ledger_record(ledger, i);
        if (!record->call || !record->call->has_turn) // another event
            continue;
        llm_budget_add(spent, record->call);
        turn = record->call->turn > turn ? record->call->turn : turn;
    }
    return turn;
}

int llm_budget_check_config(const Trireme__Llm *llm, struct err *err)
{
    if (llm->budget->usd > 0 && llm->price->input <= 0 && llm->price->output <= 0)
        return err_set(err, ERR_USAGE,
                       "llm.budget.usd: found no llm.price, expected input and output in USD per "
                       "million tokens");
    return 0;
}
