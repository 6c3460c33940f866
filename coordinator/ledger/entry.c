#include "coordinator/ledger/entry.h"

#include "coordinator/ledger/actor.h"

static const char *const fates[] = {
    // clang-format off
    [FATE_PROPOSED]     = "proposed",
    [FATE_REFUSED]      = "refused",
    [FATE_OBSERVED]     = "observed",
    [FATE_WAITING]      = "waiting",
    [FATE_VETOED]       = "vetoed",
    [FATE_DEFERRED]     = "deferred",
    [FATE_QUEUED]       = "queued",
    [FATE_OPEN]         = "open",
    [FATE_ADOPTED]      = "adopted",
    [FATE_KEPT]         = "kept",
    [FATE_TAKEN_BACK]   = "taken back",
    [FATE_REJECTED]     = "rejected",
    [FATE_INCONCLUSIVE] = "inconclusive",
    [FATE_PROMOTED]     = "promoted",
    [FATE_CONFIRMED]    = "confirmed",
    [FATE_UNCONFIRMED]  = "unconfirmed",
    [FATE_ROLLED_BACK]  = "rolled back",
    // clang-format on
};

static const char *const causes[] = {
    // clang-format off
    [TRIREME__CAUSE__diverged]       = "diverged",
    [TRIREME__CAUSE__memory]         = "no memory",
    [TRIREME__CAUSE__lost]           = "lost",
    [TRIREME__CAUSE__failed]         = "failed",
    [TRIREME__CAUSE__killed]         = "killed",
    [TRIREME__CAUSE__vetoed]         = "vetoed",
    [TRIREME__CAUSE__superseded]     = "superseded",
    [TRIREME__CAUSE__money]          = "no money",
    [TRIREME__CAUSE__time]           = "no time",
    [TRIREME__CAUSE__overruled]      = "overruled",
    [TRIREME__CAUSE__unfit]          = "unfit",
    [TRIREME__CAUSE__beaten]         = "beaten",
    [TRIREME__CAUSE__no_hope]        = "no hope",
    [TRIREME__CAUSE__no_sign]        = "no sign",
    [TRIREME__CAUSE__without_effect] = "without effect",
    [TRIREME__CAUSE__windows]        = "no windows",
    [TRIREME__CAUSE__not_needed]     = "not needed",
    [TRIREME__CAUSE__replaced]       = "replaced",
    // clang-format on
};

const char *entry_cause_word(Trireme__Cause cause)
{
    const bool known = cause >= 0 && (size_t)cause < sizeof causes / sizeof *causes;
    return known && causes[cause] ? causes[cause] : "closed";
}

/* Whether only the first rule could go on with it, which is not computed any more. */
static bool is_left_over(const struct entry *e)
{
    return e->first_rule && (entry_is_in_queue(e) || e->fate == FATE_OPEN);
}

const char *entry_reason(const struct entry *e)
{
    return is_left_over(e) ? "the rule of this run's hypotheses is not computed any more"
                           : e->reason;
}

const char *entry_word(const struct entry *e)
{
    if (is_left_over(e))
        return causes[TRIREME__CAUSE__superseded];
    if (e->claim && e->claim->answer == TRIREME__CLAIM__ANSWER__claimed && e->fate == FATE_KEPT)
        return "claimed";
    return e->fate == FATE_CLOSED ? entry_cause_word(e->judgement->cause) : fates[e->fate];
}

bool entry_claims(const struct entry *e)
{
    return e->claim && e->claim->answer == TRIREME__CLAIM__ANSWER__open;
}

const struct attempt *attempt_open(const struct entry *e)
{
    const bool first_rule = e->fate == FATE_PROMOTED;
    if (e->reverse.plan &&
        (first_rule || e->fate == FATE_ADOPTED || (e->fate == FATE_KEPT && entry_claims(e))))
        return &e->reverse;
    return e->fate == FATE_OPEN ? &e->forward : NULL;
}

uint32_t attempt_next_pair(const struct attempt *a)
{
    return (uint32_t)(a->n_before + a->n_pairs);
}

bool entry_is_in_queue(const struct entry *e)
{
    return e->fate == FATE_WAITING || e->fate == FATE_DEFERRED || e->fate == FATE_QUEUED;
}

bool entry_is_pending(const struct entry *e)
{
    return entry_is_in_queue(e) || attempt_open(e);
}

bool entry_is_adopted(const struct entry *e)
{
    return e->fate == FATE_ADOPTED || e->fate == FATE_KEPT;
}

bool entry_is_over(const struct entry *e)
{
    return e->fate != FATE_PROPOSED && e->fate != FATE_OPEN && !entry_is_in_queue(e);
}

uint32_t entry_waits_for(const struct entry *e)
{
    return e->proposal->after ? e->proposal->after : e->proposal->on_adoption_of;
}

bool entry_may_end(const struct entry *e, const char *by)
{
    return actor_is_person(by) || actor_same(e->by, by);
}

bool entry_tells(const struct entry *e)
{
    if (e->fate == FATE_PROPOSED || e->fate == FATE_REFUSED || e->fate == FATE_OBSERVED)
        return false;
    if (e->fate != FATE_INCONCLUSIVE && e->fate != FATE_REJECTED && e->fate != FATE_CLOSED)
        return true;
    if (!e->judgement->has_cause) // of an earlier version
        return !e->reason || e->fate == FATE_REJECTED;
    switch (e->judgement->cause) {
    case TRIREME__CAUSE__gains:
    case TRIREME__CAUSE__diverged:
    case TRIREME__CAUSE__no_spread:
    case TRIREME__CAUSE__vetoed:
    case TRIREME__CAUSE__beaten:
    case TRIREME__CAUSE__no_hope:
    case TRIREME__CAUSE__no_sign:
    case TRIREME__CAUSE__without_effect:
        return true;
    default:
        return false;
    }
}
