/* The state that the ledger's records add up to: every proposal and its fate, the stretch under
 * way, what experiments have spent. It is a fold over the records, one after the other; pure. The
 * coordinator rebuilds a campaign from it; briefings and `trireme proposals` show it. */
#pragma once
#include "base/err.h"
#include "coordinator/ledger/entry.h"

#include "ledger.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;

/* What somebody wants to be told again. */
struct note {
    uint32_t number; /* from 1 */
    uint64_t step;
    char *by, *text;
};

struct history {
    struct entry *entries; /* in the order of their numbers */
    size_t n, room;
    size_t *turns; /* their n places in `entries`, in the order of their turns (turns.h) */
    size_t turns_room;
    bool first_rule;     /* hypotheses of the first rule are there: nothing goes on with them */
    Trireme__Rule *rule; /* or NULL, before the first stretch */
    Trireme__Stretch *stretch;        /* under way; NULL: none is */
    Trireme__Stretch *superseded;     /* the newest that was superseded since, or NULL */
    uint64_t stretch_start, ended_at; /* steps: where it began; where the newest one ended */
    uint64_t stretch_end;             /* step: where it ends if nobody ends it before */
    unsigned registered;              /* hypotheses that had a plan */
    unsigned claims, claimed;         /* registered; made */
    uint64_t spent, since;     /* tokens that experiments cost; of which hypotheses since the newest
                              adoption; where a step as it was asked for has `unit` tokens */
    uint64_t unit, first_unit; /* in the newest stretch, in the first; 0: there was none */
    uint64_t *windows_taken;   /* of each source, up to which stretches have read */
    size_t n_windows_taken;
    Trireme__Change **promoted; /* changes that are in force, the oldest first, each path once */
    size_t n_promoted;
    struct note *notes; /* the oldest first, also those of superseded records */
    size_t n_notes, notes_room;
    uint64_t changed_at; /* step at which the recipe changed: by an adoption, because one was taken
                            back, or by hand */
};

/* Adds one record. It must come after those that were added. */
void history_add_record(struct history *history, const Trireme__Record *record);

/* Counts what a superseded record has used up for good: tokens, windows, claims, hypotheses; a note
 * stays. It comes where the correction stands: after the records before it that hold, in the order
 * of the ledger. */
void history_forget_record(struct history *history, const Trireme__Record *record);

/* Adds the first n records of a ledger, without those that a correction among them supersedes: of
 * these only what is used up counts. */
void history_read(struct history *history, const struct ledger *ledger, size_t n);
void history_clear(struct history *history);

/* The tokens of spent or since where a step as it is asked for has `unit` tokens. People who change
 * the batch of a run that exists change that: train.steps counts steps, so all that is counted in
 * tokens of a run grows or shrinks with them. */
uint64_t history_tokens(const struct history *history, uint64_t tokens, uint64_t unit);

/* Number of further hypotheses for which there is room if `forks` may be open at once. Those that
 * wait, are deferred or queued take room too. */
uint32_t history_room(const struct history *history, uint32_t forks);

/* ERR_USAGE with a sentence if an order does not fit the fate of the proposal. */
int history_check_order(const struct history *history, uint32_t number, Trireme__Order order,
                        struct err *err);

/* ERR_USAGE with a sentence if the numbers of an order of the queue are not all there once and in
 * the queue. */
int history_check_queue(const struct history *history, const uint32_t *numbers, size_t n,
                        struct err *err);

/* Returns the entry of that number, or NULL. */
struct entry *history_entry(const struct history *history, uint32_t number);

/* Returns the next entry after `after` (NULL: the first) that has an open attempt, or NULL. The
 * entry may be closed before the next call. */
const struct entry *history_next_open(const struct history *history, const struct entry *after);

/* Returns the entry whose adoption is watched, or whose claim is open; NULL: there is none. */
const struct entry *history_watched(const struct history *history);

/* Returns the adopted entry that a person wants taken back, or NULL. */
const struct entry *history_asked_back(const struct history *history);
