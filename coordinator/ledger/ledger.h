/* RUN/ledger.jsonl: what was proposed, tried, judged and decided. Append-only JSON lines (message
 * Record), each synced to disk before anything follows from it, chained by SHA-256: `prev` of a
 * line is the digest of the line before it with its line end, as `sed -n 7p ledger.jsonl |
 * sha256sum` prints it.
 *
 * A line without its end is what a crash left of an append: it is cut off when the file is opened
 * for writing, and was never acted upon. Anything else that does not fit the chain is an error;
 * nothing is ever repaired. */
#pragma once
#include "base/err.h"

#include "ledger.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger;

enum { LEDGER_HEAD_SIZE = 65 }; /* 64 hexadecimal digits and a 0 */

/* Reads and verifies the ledger of a run; a run without one has no records, and the file is made by
 * the first append. NULL with a sentence (ERR_DATA): a record that is no record, a broken chain
 * (which line, found, expected). */
struct ledger *ledger_open(const char *run, bool for_writing, struct err *err);
void ledger_free(struct ledger *ledger);

size_t ledger_records(const struct ledger *ledger);
/* i from 0; borrowed until free */
const Trireme__Record *ledger_record(const struct ledger *ledger, size_t i);

/* SHA-256 of the first n lines' last one: what the next line has as `prev`; 64 zeros for n = 0. */
void ledger_head(const struct ledger *ledger, size_t n, char head[LEDGER_HEAD_SIZE]);

/* Refuses (ERR_DATA) a ledger that is not the one of which a checkpoint knows so many records, the
 * last one with that head (NULL: not known). */
int ledger_check_head(const struct ledger *ledger, uint64_t known, const char *head,
                      struct err *err);

/* Appends and syncs. seq, prev and time are filled in here; the record stays the caller's. */
int ledger_append(struct ledger *ledger, const Trireme__Record *record, struct err *err);
