/* What a proposal says of others: for which one it waits, and which one it replaces. Pure. */
#pragma once
#include "base/err.h"

#include "ledger.pb-c.h"

#include <stdint.h>

struct entry;
struct history;

enum waits {
    WAITS_ON,     /* what it waits for is not over */
    WAITS_NO,     /* it waits for nothing, or no more */
    WAITS_IN_VAIN /* what it waits for was not adopted, or was taken back */
};

/* As it is at `step`. Where the machine gave up what it waits for, that counts from the next step
 * on: at which place within a step that happens, a replay does not repeat. */
enum waits waits_of(const struct history *history, const Trireme__Proposal *proposal,
                    uint64_t step);

/* ERR_USAGE with a sentence if what a proposal of `by` (actor.h) says of others cannot be. What it
 * waits for is there, and one at most, and may be adopted yet where that is awaited; one that is
 * over, or adopted, already is no wait. What it replaces is there, in the queue or open, another
 * than it waits for, and `by` may end it. own: its number; 0: it has none yet. */
int waits_check(const struct history *history, const Trireme__Proposal *proposal, uint32_t own,
                const char *by, struct err *err);
