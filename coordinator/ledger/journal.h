/* Writing the ledger of a run that may have been there before.
 *
 * What happens in a campaign follows from its inputs (proposals and orders, each at an exact step
 * of the trunk) and from losses that are the same bits each time. So a launch that goes on from a
 * checkpoint lives through what the ledger has beyond that checkpoint once more: inputs are taken
 * from there at their steps, and what follows is compared with what stands there rather than
 * written again. A replay of another run's ledger is the same from the first line on, into a ledger
 * of its own. Where a continued run comes out differently (its settings were changed, or its
 * kernels), a correction says so and the lines that no longer hold are superseded; a replay that
 * does is an error. */
#pragma once
#include "base/err.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal;

/* known: records that the checkpoint which is continued knows of, their last one with that head
 * (NULL: none). replay: folder of the run whose campaign is lived through, or NULL. ERR_DATA where
 * the ledger is not the one that the checkpoint knew. */
struct journal *journal_open(const char *run, uint64_t known, const char *head, const char *replay,
                             struct err *err);
void journal_free(struct journal *journal);

/* What is known so far: all that was written, or lived through, up to now. */
struct history *journal_history(struct journal *journal);

/* Tells of something, with a record that holds what its kind needs and gets the rest here. number:
 * of the proposal, or 0. The record stays the caller's. */
int journal_write(struct journal *journal, Trireme__Record *record, Trireme__RecordKind kind,
                  uint32_t number, uint64_t step, const char *by, struct err *err);

/* Whether a record closes a hypothesis since the machine could not go on with it: an input, as a
 * person's order is one. */
bool journal_gives_up(const Trireme__Record *record);

/* The next input that was taken at this step and has not been lived through; NULL: there is none.
 * Writing it takes it. */
const Trireme__Record *journal_input(const struct journal *journal, uint64_t step);

/* Why the machine could not go on with a hypothesis at this step, when it was done first; NULL: it
 * could. For where this is found out in the middle of what is done at a step, so that it may not be
 * taken as an input before. */
const char *journal_gave_up(const struct journal *journal, uint32_t number, uint64_t step);

/* Whether a queued hypothesis may be registered or closed at this step: where something is to be
 * lived through, it must come next. */
bool journal_may_register(const struct journal *journal, uint32_t number, uint64_t step);

/* Whether anything is still to be lived through: until then nobody else is asked. */
bool journal_repeats(const struct journal *journal);

/* Whether any of it is of a later step than this: if not, what the launch before began at this step
 * it had not finished. */
bool journal_repeats_after(const struct journal *journal, uint64_t step);

/* From here on the run goes its own way: what was still to be lived through no longer holds, for
 * this reason. A replay may not: the error (ERR_DATA). */
int journal_diverge(struct journal *journal, uint64_t step, const char *reason, struct err *err);

/* For the manifest of a checkpoint: records that are known now, and the head. */
uint64_t journal_known(const struct journal *journal, char head[LEDGER_HEAD_SIZE]);
