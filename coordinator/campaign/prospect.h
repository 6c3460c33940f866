/* What lies ahead of a run: when the next stretch can begin, how long that of a change is, what it
 * costs, whether the account pays for it, and the last step at which it does. Pure.
 *
 * The campaign makes it of its own state; whoever knows a run from its files alone (briefing,
 * price) makes it of them. So both say the same. */
#pragma once
#include "base/err.h"
#include "coordinator/gate/account.h"
#include "coordinator/gate/change_kind.h"
#include "coordinator/gate/rule.h"
#include "coordinator/gate/stretch.h"

#include "config.pb-c.h"
#include "ledger.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry;
struct history;

struct prospect {
    const Trireme__Config *in_force, *asked; /* the trunk's; the operator's. Borrowed */
    const struct history *history;           /* borrowed */
    struct rule rule;
    struct account account, reserved; /* as it stands; as if the stretch under way were paid for all
                                         arms that are in it still */
    uint64_t step, length;            /* of the trunk: done; planned */
    uint64_t step_tokens;             /* of a step of the trunk */
    uint32_t windows_max;             /* the most windows that an arm can read */
};

/* trained: tokens of the trunk at `step`. windows_max: gate_windows_max; 0: not known, taken for
 * large. */
struct prospect prospect_of(const Trireme__Config *in_force, const Trireme__Config *asked,
                            const struct history *history, uint64_t step, uint64_t trained,
                            uint32_t windows_max);

/* The same once the stretch under way is over and paid for: its trunk is shorter by that. */
struct prospect prospect_after(const struct prospect *prospect);

/* The same if an entry (or NULL: none) ends at `step` in favour of another: what the stretch under
 * way would still cost for it is free. */
struct prospect prospect_instead(const struct prospect *prospect, const struct entry *entry,
                                 uint64_t step);

/* What the stretch under way has cost for an entry that leaves it at `step`; tokens. One that is
 * ended by people or planners where the trunk waits for tails pays for the whole of its own, and
 * the last one for the trunk's: how far they had come, nobody could repeat. And what it will not
 * cost any more if they end it there. */
uint64_t prospect_arm_spent(const struct prospect *prospect, const struct entry *entry,
                            uint64_t step, Trireme__Cause cause);
uint64_t prospect_returns(const struct prospect *prospect, const struct entry *entry,
                          uint64_t step);

/* Why nothing can be tried in a run with that ledger, or NULL. */
const char *prospect_off(const struct history *history);

/* The first step at which a stretch may begin at all; the first one after `step` if the trunk runs
 * on alone; the first one for who comes now: where the stretch under way ends, if one is, and here
 * if one has just ended. */
uint64_t prospect_first(const struct prospect *prospect);
uint64_t prospect_boundary(const struct prospect *prospect, uint64_t step);
uint64_t prospect_next_start(const struct prospect *prospect);

/* A change that is tried, as far as its price goes. */
struct prospect_change {
    struct change_kind kind;
    uint64_t step_tokens; /* of a step with it */
    bool person;          /* a person has proposed it, so the stake does not bound it */
};
struct prospect_change prospect_change_of(const struct prospect *prospect,
                                          const Trireme__Config *after, bool person);

/* The stretch of that kind that would begin at `start`. step_tokens: as in stretch_of. And that
 * with a change of that kind alone beside the trunk. */
struct stretch prospect_stretch(const struct prospect *prospect, enum stretch_kind kind,
                                uint64_t start, const uint64_t *step_tokens, size_t n);
struct stretch prospect_stretch_alone(const struct prospect *prospect, enum stretch_kind kind,
                                      uint64_t step_tokens, uint64_t start);

/* What an arm costs in it, and what it costs beside its arms; tokens. */
double prospect_arm_tokens(const struct prospect *prospect, const struct stretch *stretch);
double prospect_fixed_tokens(const struct prospect *prospect, const struct stretch *stretch);

/* The price of a change whose stretch begins at `start`. */
struct prospect_price {
    struct stretch stretch;
    double tokens, more; /* with the change alone; as one more in the same stretch */
};
struct prospect_price prospect_price(const struct prospect *prospect,
                                     const struct prospect_change *change, uint64_t start);

/* Whether that stretch may begin there, ends within the run, and is paid for. ERR_USAGE with a
 * sentence. */
int prospect_check_start(const struct prospect *prospect, const struct prospect_change *change,
                         uint64_t start, struct err *err);

/* LAST CALL: the last step at which a stretch of it can begin and be paid, from `next` on; 0: none.
 */
uint64_t prospect_last_start(const struct prospect *prospect, const struct prospect_change *change,
                             uint64_t next);

/* The steps at which it is decided if its first stretch begins at `start`, each following one where
 * the one before ends, and nothing else is tried: as many as time, money and the rule's number of
 * pairs allow. Writes at most max, returns how many. */
size_t prospect_decisions(uint64_t *steps, size_t max, const struct prospect *prospect,
                          const struct prospect_change *change, uint64_t start);

/* Checks whether a change can be tried from the first stretch after `step` on, as the intake does:
 * hypotheses, time and money that are left. after: the trunk's configuration with it. ERR_USAGE
 * with a sentence; *cause: why not, in one word. */
int prospect_check(const struct prospect *prospect, uint64_t step, const Trireme__Config *after,
                   bool person, Trireme__Cause *cause, struct err *err);
