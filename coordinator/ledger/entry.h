/* A proposal, its fate, and the pairs that were measured of it. Pure. */
#pragma once
#include "ledger.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*              leads to
 * PROPOSED     REFUSED, OBSERVED, WAITING, DEFERRED, QUEUED
 * WAITING      VETOED, DEFERRED, QUEUED, CLOSED
 * DEFERRED     VETOED, QUEUED, CLOSED
 * QUEUED       VETOED, OPEN, CLOSED
 * OPEN         QUEUED (it returns, without pairs), CLOSED, ADOPTED
 * ADOPTED      KEPT, TAKEN_BACK
 * KEPT         TAKEN_BACK */
enum fate {
    FATE_PROPOSED, /* not yet validated */
    FATE_REFUSED,
    FATE_OBSERVED, /* legal, in a run that only observes */
    FATE_WAITING,  /* for a person's approval */
    FATE_VETOED,   /* by a person */
    FATE_DEFERRED, /* legal as far as one can know: until another is over, or adopted */
    FATE_QUEUED,   /* legal; no stretch yet */
    FATE_OPEN,     /* it takes part in stretches */
    FATE_CLOSED,   /* the judgement's cause says why */
    FATE_ADOPTED,  /* the trunk goes on with it, and it is watched */
    FATE_KEPT,
    FATE_TAKEN_BACK,
    /* Of ledgers of the first rule, which are only shown. */
    FATE_REJECTED,
    FATE_INCONCLUSIVE,
    FATE_PROMOTED,
    FATE_CONFIRMED,
    FATE_UNCONFIRMED,
    FATE_ROLLED_BACK,
};

/* Pairs against one recipe of the trunk: of the patch, or, in reverse, of the recipe before. */
struct attempt {
    Trireme__Plan *plan; /* NULL: there is none */
    Trireme__Observation **pairs;
    size_t n_pairs, n_before;          /* those that count; those before it returned */
    Trireme__Application *application; /* of the newest fork, or NULL */
    Trireme__Judgement *judgement;     /* the newest of it, or NULL */
};

struct entry {
    uint32_t number; /* of the proposal, from 1 */
    Trireme__Proposal *proposal;
    char *by;
    uint64_t step; /* at which it was proposed */
    enum fate fate;
    uint64_t queued_at; /* step at which it was queued */
    uint64_t over_at;   /* step at which it was over (entry_is_over) */
    bool returned;      /* it had pairs, and waits again */
    bool first_rule;    /* of a ledger of the first rule, by which nothing is tried any more */
    char *reason; /* why it was refused or closed, or until when it is deferred; NULL where the
                           fate says all */
    struct attempt forward, reverse;
    bool in_stretch;               /* it takes part in the stretch under way */
    Trireme__Judgement *judgement; /* the newest */
    Trireme__Promotion *promotion; /* or NULL */
    uint64_t promoted_at;          /* step at which it was adopted */
    bool asked_back;               /* by a person: it is to be taken back */
    uint64_t asked_back_at;        /* step */
    Trireme__Claim *claim;         /* the newest record of it, or NULL */
};

/* Returns the attempt of an entry that is being tried now, or NULL: of one that is open; of one
 * that is watched, or whose claim is open, the reverse one. */
const struct attempt *attempt_open(const struct entry *entry);

/* Number of its next pair, from 0. */
uint32_t attempt_next_pair(const struct attempt *attempt);

/* Whether its claim is registered and not answered. */
bool entry_claims(const struct entry *entry);

/* Whether it is not tried yet and may be: it waits, is deferred or queued. */
bool entry_is_in_queue(const struct entry *entry);

/* Whether it is in the queue, or has an open attempt. */
bool entry_is_pending(const struct entry *entry);

/* Whether it was adopted and is part of the recipe; whether its turn is over, by that or by its
 * end. */
bool entry_is_adopted(const struct entry *entry);
bool entry_is_over(const struct entry *entry);

/* Number of the proposal for which it waits, by its own wish; 0: of none. */
uint32_t entry_waits_for(const struct entry *entry);

/* Whether `by` (actor.h) may end it, put another in its place, or say when its turn is: a person
 * may, and a planner with what it proposed itself. */
bool entry_may_end(const struct entry *entry, const char *by);

/* What became of it, in one word: "queued", "beaten", "taken back", "claimed". */
const char *entry_word(const struct entry *entry);

/* The word of those that are closed for that cause. */
const char *entry_cause_word(Trireme__Cause cause);

/* Why it ended so; NULL where the word says all. Borrowed. */
const char *entry_reason(const struct entry *entry);

/* Whether an entry says something about its change: it is being tried or will be, its pairs were
 * judged, or a person vetoed it. One that ended for another reason (no memory, no money, killed,
 * superseded) does not. */
bool entry_tells(const struct entry *entry);
