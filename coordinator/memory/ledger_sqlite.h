/* The ledgers of runs in one SQLite file, for questions across runs (`trireme ledger export`). It
 * is a copy: nothing reads it back.
 *
 * Format LEDGER_SQLITE_FORMAT (SQLite's user_version; its application_id is LEDGER_SQLITE_FILE). A
 * `run` in a table is the id in table run; NULL is what a record does not say. Losses and gains are
 * in nats.
 *   run(id, folder, seed, steps, tokens, spent, records, head, config)
 *       steps as asked for; tokens: those that buy everything, spent: of which experiments; head:
 *       SHA-256 of the last line; config: RUN/config.yaml resolved, as JSON
 *   record(run, seq, time, kind, step, number, by, in_effect, json)
 *       a line of the ledger each; number: of the proposal; in_effect 0: superseded by a
 *       correction; json: the record (message Record)
 *   proposal(run, number, by, step, hypothesis, outcome, reason, calm, slow, pairs, gain,
 *            deviation, probability, adopted_at, claim, claim_gain, claim_half_width)
 *       outcome as `trireme proposals ls` has it; gain, deviation, probability: of the newest
 *       verdict, less the margin: what adoption is decided by, no proven gain; claim: open,
 *       claimed, unproven; claim_gain: of its fresh pairs
 *   change(run, number, path, value, before)
 *       what a proposal changes, a value each; before: what was in force, of those adopted
 *   pair(run, number, reverse, pair, step, trunk_loss, fork_loss, gain, window_variance, tokens)
 *       reverse 1: of a fork with the recipe from before an adoption; gain: of the proposal,
 *       the margin not taken off; tokens: of the fork, its tail and its reading
 *   config(run, path, value)
 *       each value of the configuration as asked for, by its path */
#pragma once
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    LEDGER_SQLITE_FORMAT = 1,
    LEDGER_SQLITE_FILE = 0x54724c65, /* "TrLe" */
};

/* Writes the file whole or not at all, for its owner alone (0600); one that is there is replaced.
 * *records: of all of them. ERR_USAGE for a folder that is no run, a file that cannot be written,
 * and a program built without SQLite; ERR_DATA for a damaged ledger. Local. */
int ledger_sqlite_write(uint64_t *records, const char *path, char *const *runs, size_t n_runs,
                        struct err *err);
