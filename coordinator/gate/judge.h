/* Asks the gate about an attempt, from what the ledger has recorded. Pure. */
#pragma once
#include "coordinator/ledger/history.h"

#include "ledger.pb-c.h"

#include <stdbool.h>

/* Whether the rule is asked after the newest pair: at a look, or because an arm of it diverged. */
bool judge_is_due(const struct attempt *attempt);

/* Asks the rule. The reason that is set, if any, is a literal. */
void judge_attempt(const struct attempt *attempt, Trireme__Judgement *judgement);

/* Gain of a pair in nats a token: the trunk's loss less the fork's, less the margin; of a reverse
 * pair the fork's less the trunk's. */
double judge_gain(const struct attempt *attempt, size_t pair);
