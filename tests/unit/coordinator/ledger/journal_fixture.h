/* Journals that are written record by record, each as YAML. */
#pragma once
#include "tests/unit/coordinator/ledger/record_fixture.h"

#include "base/file.h"
#include "coordinator/ledger/journal.h"

enum { RULE = 2 }; /* the revision of the rule of these ledgers */

static inline int try_write(struct journal *journal, const char *yaml, struct err *err)
{
    Trireme__Record *record = record_fixture(yaml);
    char *by = record->by;
    int rc = journal_write(journal, record, record->kind, record->number, record->step, by, err);
    record->by = by;
    message_free(record);
    return rc;
}

static inline void must_record(struct journal *journal, const char *yaml)
{
    struct err err;
    if (try_write(journal, yaml, &err) < 0)
        fail_msg("%s", err.text);
}

static inline struct journal *open_at(const char *run, uint64_t known, const char *replay)
{
    struct err err;
    struct journal *journal = NULL;
    assert_int_equal(file_make_dirs(run, ERR_USAGE, &err), 0);
    journal = journal_open(run, known, NULL, replay, RULE, &err);
    if (!journal)
        fail_msg("%s", err.text);
    return journal;
}

static inline size_t count_lines(const char *run)
{
    struct err err;
    struct ledger *ledger = ledger_open(run, false, &err);
    if (!ledger)
        fail_msg("%s", err.text);
    size_t n = ledger_records(ledger);
    ledger_free(ledger);
    return n;
}
