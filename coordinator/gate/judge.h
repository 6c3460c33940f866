/* What the gate says of an attempt after its newest pair, from what the ledger has recorded. Pure.
 */
#pragma once
#include "coordinator/ledger/history.h"

#include "ledger.pb-c.h"

#include <stdbool.h>

/* Whether the rule is asked now: at a look, or because the newest pair's fork diverged. */
bool judge_is_due(const struct attempt *attempt);

/* Asks it. The reason that is set, if any, is a literal. */
void judge_attempt(const struct attempt *attempt, Trireme__Judgement *judgement);

/* Gain of a pair: the trunk's loss less the fork's, less the margin; of a reverse pair the fork's
 * less the trunk's. */
double judge_gain(const struct attempt *attempt, size_t pair);
