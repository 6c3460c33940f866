/* What a run leaves to the runs after it: notes that follow from its ledger alone.
 *
 * A claim that is proven leaves a note of kind claim, with its gain; an adoption that is kept, a
 * change that is taken back and one that its pairs have closed leave a note of kind adoption, with
 * a word and no number. Each is written once, whatever becomes of the launch: its key is RUN/id and
 * the number of the record. What a correction supersedes leaves none. Local. */
#pragma once
#include "base/err.h"
#include "coordinator/memory/memory.h"

#include "config.pb-c.h"

#include <stddef.h>

struct about_run;
struct ledger;
struct remember;

/* Notes of the records from number `from` (from 0) on. config: the run's, as it was asked for. */
void remember_ledger(struct memory_notes *notes, const struct ledger *ledger, size_t from,
                     const struct about_run *about, const Trireme__Config *config);

/* For a run that is trained: run and config (its own) are borrowed. */
struct remember *remember_new(const char *run, const Trireme__Config *config);
void remember_free(struct remember *remember); /* accepts NULL */

/* Writes the notes of records that were not looked at before into the file that
 * experiment.notes names, which waits for at most MEMORY_RUN_WAIT_MS. Training waits meanwhile, so
 * where that fails they are tried again by a later call, once 49 times what it took have passed. As
 * long as RUN/data.yaml is not there, which says what they were measured on, each call looks. */
int remember_turn(struct remember *remember, const struct ledger *ledger, struct err *err);
