/* The plan of a hypothesis, fixed before its first pair: the numbers of the gate's rule (gate.h) at
 * this point of the run. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"
#include "ledger.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

struct context;
struct history;

/* Makes the plan of a hypothesis that is registered at `step`. after: the trunk's configuration
 * with the patch. ERR_USAGE with a sentence if the error budget is spent, or too few steps or
 * tokens are left. */
int plan_make(const struct context *context, Trireme__Plan *plan, uint64_t step, bool slow,
              const Trireme__Config *after, struct err *err);

/* Makes the plan of the reverse pairs of a promotion at `step`. before: the trunk's configuration
 * until then. Its stretches have as many tokens as the forward ones, whatever the size of a step is
 * now. Returns false if the run ends before them, or gate.confirm is off. */
bool plan_reverse(const struct context *context, Trireme__Plan *plan, uint64_t step,
                  const Trireme__Plan *forward, const Trireme__Config *before);

/* The most windows that a pair can read without reading one twice. */
uint32_t plan_windows_max(const struct context *context);

/* Tokens that one pair costs beyond the trunk's own; trunk: its configuration. Pure. */
uint64_t plan_pair_tokens(const Trireme__Config *trunk, const Trireme__Plan *plan);

/* Tokens that open hypotheses other than `number` have begun to spend up to their next look, beyond
 * their first four pairs, at a step at which pairs begin in the order of their numbers. Pure. */
uint64_t plan_committed_tokens(const struct history *history, const Trireme__Config *trunk,
                               uint32_t number, uint64_t step);

/* Tokens that experiments may still cost: gate.share of those of the training that was asked for,
 * less what pairs have cost and what open hypotheses need up to their first possible end. Pure. */
uint64_t plan_tokens_left(const struct history *history, const Trireme__Config *asked,
                          const Trireme__Config *trunk);
