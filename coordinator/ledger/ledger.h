/* RUN/ledger.jsonl: what was proposed, tried, judged and decided. JSON lines (message Record), only
 * ever appended, each synced to disk before anything follows from it. They are chained by SHA-256:
 * `prev` of a line is the digest of the line before it with its line end, as `sed -n 7p
 * ledger.jsonl | sha256sum` prints it.
 *
 * A last line without its end is what a crash left of an append. Nothing followed from it; it is
 * cut off when the file is opened for writing. Anything else that does not fit the chain is an
 * error; nothing is repaired. */
#pragma once
#include "base/err.h"

#include "ledger.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;

enum { LEDGER_HEAD_SIZE = 65 }; /* 64 hexadecimal digits and a 0 */

/* Reads and verifies the ledger of a run. A run without one has no records; the first append makes
 * the file. Returns NULL with a sentence (ERR_DATA) for a line that is no record and for a broken
 * chain. */
struct ledger *ledger_open(const char *run, bool for_writing, struct err *err);
void ledger_free(struct ledger *ledger);

size_t ledger_records(const struct ledger *ledger);
/* Record i, from 0. Borrowed until ledger_free. */
const Trireme__Record *ledger_record(const struct ledger *ledger, size_t i);

/* SHA-256 of line n, which is `prev` of line n + 1; 64 zeros for n = 0. */
void ledger_head(const struct ledger *ledger, size_t n, char head[LEDGER_HEAD_SIZE]);

/* Which of the first n records a correction among them takes out of effect; fresh. */
bool *ledger_superseded(const struct ledger *ledger, size_t n);

/* ERR_DATA unless the ledger has at least `known` records and the last of these has that head
 * (NULL: not known). */
int ledger_check_head(const struct ledger *ledger, uint64_t known, const char *head,
                      struct err *err);

/* Has check called before each append, which fails where it does: the run may have been taken by
 * another launch. The context is borrowed. */
typedef int (*ledger_check_fn)(void *context, struct err *err);
void ledger_ask_before(struct ledger *ledger, ledger_check_fn check, void *context);

/* Appends a record and syncs the file. seq, prev and time are filled in here; the record stays the
 * caller's. */
int ledger_append(struct ledger *ledger, const Trireme__Record *record, struct err *err);
