/* What calls of a language model may still cost. Pure. */
#pragma once
#include "base/err.h"

#include "planner.pb-c.h"

struct ledger;

/* What so many tokens cost. */
double llm_budget_usd(const Trireme__LlmPrice *price, uint64_t prompt_tokens,
                      uint64_t answer_tokens);

/* Whether one more call may be made; -1 with the sentence (ERR_USAGE): which bound, and what is
 * spent. A call that is made may go beyond tokens and usd by what it costs itself. */
int llm_budget_check(const Trireme__Llm *llm, const Trireme__LlmSpent *spent, struct err *err);

/* Adds a call. */
void llm_budget_add(Trireme__LlmSpent *spent, const Trireme__Call *call);

/* Adds all calls of a ledger, also those that the run has gone back behind. Returns the number of
 * the last turn; 0: there was none. */
uint32_t llm_budget_read(Trireme__LlmSpent *spent, const struct ledger *ledger);

/* ERR_USAGE for a bound in USD without a price. */
int llm_budget_check_config(const Trireme__Llm *llm, struct err *err);
