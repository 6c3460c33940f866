/* The state that the ledger's records add up to: every proposal and its fate. It is a fold over the
 * records, one after the other; pure. The coordinator rebuilds a campaign from it; briefings and
 * `trireme proposals` show it. */
#pragma once
#include "base/err.h"

#include "ledger.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;

enum fate {
    FATE_PROPOSED, /* not yet validated */
    FATE_REFUSED,
    FATE_OBSERVED, /* legal, in a run that only observes */
    FATE_WAITING,  /* for a person's approval */
    FATE_VETOED,   /* by a person */
    FATE_QUEUED,   /* legal; no room yet */
    FATE_OPEN,     /* pairs are being tried */
    FATE_REJECTED,
    FATE_INCONCLUSIVE, /* also: killed, superseded, no room left */
    FATE_PROMOTED,     /* reverse pairs are being tried, or none will be */
    FATE_CONFIRMED,
    FATE_UNCONFIRMED,
    FATE_ROLLED_BACK,
};
const char *fate_name(enum fate fate); /* "rolled back" */

/* A plan and what was measured under it. */
struct attempt {
    Trireme__Plan *plan; /* NULL: there is none */
    Trireme__Observation **pairs;
    size_t n_pairs;
    Trireme__Application *application; /* of the newest fork, or NULL */
    Trireme__Judgement *judgement;     /* the newest of it, or NULL */
};

struct entry {
    uint32_t number; /* of the proposal, from 1 */
    Trireme__Proposal *proposal;
    char *by;
    uint64_t step; /* at which it was proposed */
    enum fate fate;
    char *reason; /* why it was refused or closed; NULL where the fate says all */
    struct attempt forward, reverse;
    Trireme__Judgement *judgement; /* the newest */
    Trireme__Promotion *promotion; /* or NULL */
    uint64_t promoted_at;          /* step */
};

struct history {
    struct entry *entries; /* in the order of their numbers */
    size_t n, room;
    unsigned registered, promotions; /* hypotheses that had a plan; those promoted */
    uint64_t tokens;                 /* that experiments cost */
    Trireme__Change **promoted; /* changes that are in force, the oldest first, each path once */
    size_t n_promoted;
    uint64_t changed_at; /* step at which the recipe changed: of the newest promotion or rollback,
                            or by hand */
};

/* Adds one record. It must come after those that were added. */
void history_add_record(struct history *history, const Trireme__Record *record);

/* Counts what a superseded record has spent. */
void history_forget_record(struct history *history, const Trireme__Record *record);

/* Adds the first n records of a ledger, without those that a correction among them supersedes.
 * Hypotheses that were registered in superseded records still count as registered: their error
 * budget is spent. */
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

/* Returns the attempt of an entry that is being tried now, or NULL. Its plan says whether it is the
 * reverse one. */
const struct attempt *attempt_open(const struct entry *entry);

/* Returns the next entry after `after` (NULL: the first) that has an open attempt, or NULL. The
 * entry may be closed before the next call. */
const struct entry *history_next_open(const struct history *history, const struct entry *after);

/* Whether it waits, is queued, or has an open attempt. */
bool entry_is_pending(const struct entry *entry);

/* Whether an entry says something about its change: it is being tried or will be, its pairs were
 * judged, or a person vetoed it. One that ended for another reason (no memory, no money, killed,
 * superseded) does not. */
bool entry_tells(const struct entry *entry);

/* Step of the trunk at which the first pair that is not observed begins, or began. */
uint64_t attempt_next_start(const struct attempt *attempt);
