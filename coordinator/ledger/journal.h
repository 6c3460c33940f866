/* Writes the ledger of a run, also where part of it was written before.
 *
 * A campaign is a function of its inputs (proposals and orders, each at an exact step of the trunk)
 * and of losses that are the same bits each time. A launch that continues from a checkpoint
 * therefore repeats what the ledger has beyond that checkpoint: it takes the recorded inputs at
 * their steps, and compares what follows with the records instead of writing it again. A replay of
 * another run's ledger does the same from the first record on, and writes a ledger of its own.
 *
 * If a continued run comes to something else (because settings or kernels changed), a correction
 * supersedes the records that no longer hold. In a replay that is an error. */
#pragma once
#include "base/err.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal;

/* known: number of records that the checkpoint knows of; head: the hash of the last of them (NULL:
 * not known). replay: folder of the run whose campaign is repeated, or NULL. rule: revision of the
 * rule that is computed. ERR_DATA if the ledger is not the one that the checkpoint knew; ERR_USAGE
 * if records of the replayed one that hold are of another rule. */
struct journal *journal_open(const char *run, uint64_t known, const char *head, const char *replay,
                             uint32_t rule, struct err *err);
void journal_free(struct journal *journal);

/* As ledger_ask_before, of the run's ledger. */
void journal_ask_before(struct journal *journal, ledger_check_fn check, void *context);

/* The run's own ledger. Borrowed. */
const struct ledger *journal_ledger(const struct journal *journal);

/* The state after all records that were written or repeated so far. Borrowed. */
struct history *journal_history(struct journal *journal);

/* Writes a record, or compares it with the recorded one that is due. The caller fills in what the
 * record's kind needs; the rest is filled in here. number: of the proposal, or 0. The record stays
 * the caller's. */
int journal_write(struct journal *journal, Trireme__Record *record, Trireme__RecordKind kind,
                  uint32_t number, uint64_t step, const char *by, struct err *err);

/* Whether a record closes a hypothesis that the machine could not go on with (no memory, lost
 * state). Like an order it is an input: a repetition cannot compute it. */
bool journal_gives_up(const Trireme__Record *record);

/* Whether the next record may be one of the rule, at this step: nothing recorded is to be repeated,
 * or that is what comes next. */
bool journal_awaits_rule(const struct journal *journal, uint64_t step);

/* Returns the next recorded input of this step that is not repeated yet, or NULL. Writing it marks
 * it as repeated. */
const Trireme__Record *journal_input(const struct journal *journal, uint64_t step);

/* Returns the verdict with which the machine gave a hypothesis up at this step when it was recorded
 * (borrowed), or NULL if it did not. For places in the middle of a step, where it cannot be taken
 * as an input before. */
const Trireme__Judgement *journal_gave_up(const struct journal *journal, uint32_t number,
                                          uint64_t step);

/* Whether recorded inputs are still to be repeated. Until then neither people nor the planner are
 * asked. */
bool journal_repeats(const struct journal *journal);

/* Whether recorded inputs of a later step than this are to be repeated. If not, the launch before
 * had not finished what it began at this step. */
bool journal_repeats_after(const struct journal *journal, uint64_t step);

/* Ends the repetition: a correction with this reason supersedes the records that were not repeated.
 * In a replay: ERR_DATA. */
int journal_diverge(struct journal *journal, uint64_t step, const char *reason, struct err *err);

/* Number of records in the ledger, also of those that are not repeated yet. */
uint64_t journal_total(const struct journal *journal);

/* Number of records that hold now, and their head: for the manifest of a checkpoint. */
uint64_t journal_known(const struct journal *journal, char head[LEDGER_HEAD_SIZE]);
