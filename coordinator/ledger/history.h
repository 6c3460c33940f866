/* The state that the ledger's records add up to: every proposal and its fate, the stretch under
 * way, what experiments have spent. It is a fold over the records, one after the other; pure. The
 * coordinator rebuilds a campaign from it; briefings and `trireme proposals` show it. */
#pragma once
#include "base/err.h"

#include "ledger.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;

/*              leads to
 * PROPOSED     REFUSED, OBSERVED, WAITING, QUEUED
 * WAITING      VETOED, QUEUED, CLOSED
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
    bool returned;      /* it had pairs, and waits again */
    char *reason;       /* why it was refused or closed; NULL where the fate says all */
    struct attempt forward, reverse;
    bool in_stretch;               /* it takes part in the stretch under way */
    Trireme__Judgement *judgement; /* the newest */
    Trireme__Promotion *promotion; /* or NULL */
    uint64_t promoted_at;          /* step at which it was adopted */
    bool asked_back;               /* by a person: it is to be taken back */
    uint64_t asked_back_at;        /* step */
    Trireme__Claim *claim;         /* the newest record of it, or NULL */
};

struct history {
    struct entry *entries; /* in the order of their numbers */
    size_t n, room;
    bool first_rule;     /* hypotheses of the first rule are there: nothing goes on with them */
    Trireme__Rule *rule; /* or NULL, before the first stretch */
    Trireme__Stretch *stretch;        /* under way; NULL: none is */
    Trireme__Stretch *superseded;     /* the newest that was superseded since, or NULL */
    uint64_t stretch_start, ended_at; /* steps: where it began; where the newest one ended */
    unsigned registered;              /* hypotheses that had a plan */
    unsigned claims, claimed;         /* registered; made */
    uint64_t spent, since;   /* tokens that experiments cost; of which hypotheses since the newest
                              adoption */
    uint64_t *windows_taken; /* of each source, up to which stretches have read */
    size_t n_windows_taken;
    Trireme__Change **promoted; /* changes that are in force, the oldest first, each path once */
    size_t n_promoted;
    uint64_t changed_at; /* step at which the recipe changed: by an adoption, because one was taken
                            back, or by hand */
};

/* Adds one record. It must come after those that were added. */
void history_add_record(struct history *history, const Trireme__Record *record);

/* Counts what a superseded record has used up for good: tokens, windows, claims, hypotheses. It
 * comes where the correction stands: after the records before it that hold, in the order of the
 * ledger. */
void history_forget_record(struct history *history, const Trireme__Record *record);

/* Adds the first n records of a ledger, without those that a correction among them supersedes: of
 * these only what is used up counts. */
void history_read(struct history *history, const struct ledger *ledger, size_t n);
void history_clear(struct history *history);

/* Number of further hypotheses for which there is room if `forks` may be open at once. Those that
 * wait or are queued take room too. */
uint32_t history_room(const struct history *history, uint32_t forks);

/* ERR_USAGE with a sentence if an order does not fit the fate of the proposal. */
int history_check_order(const struct history *history, uint32_t number, Trireme__Order order,
                        struct err *err);

/* Returns the entry of that number, or NULL. */
struct entry *history_entry(const struct history *history, uint32_t number);

/* Returns the attempt of an entry that is being tried now, or NULL: of one that is open; of one
 * that is watched, or whose claim is open, the reverse one. */
const struct attempt *attempt_open(const struct entry *entry);

/* Number of its next pair, from 0. */
uint32_t attempt_next_pair(const struct attempt *attempt);

/* Returns the next entry after `after` (NULL: the first) that has an open attempt, or NULL. The
 * entry may be closed before the next call. */
const struct entry *history_next_open(const struct history *history, const struct entry *after);

/* Returns the entry whose adoption is watched, or whose claim is open; NULL: there is none. */
const struct entry *history_watched(const struct history *history);

/* Returns the adopted entry that a person wants taken back, or NULL. */
const struct entry *history_asked_back(const struct history *history);

/* Whether its claim is registered and not answered. */
bool entry_claims(const struct entry *entry);

/* Whether it waits, is queued, or has an open attempt. */
bool entry_is_pending(const struct entry *entry);

/* What became of it, in one word: "queued", "beaten", "taken back", "claimed". */
const char *entry_word(const struct entry *entry);

/* Whether an entry says something about its change: it is being tried or will be, its pairs were
 * judged, or a person vetoed it. One that ended for another reason (no memory, no money, killed,
 * superseded) does not. */
bool entry_tells(const struct entry *entry);
