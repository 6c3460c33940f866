/* trireme ledger verify, trireme ledger show. */
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/ledger/ledger.h"
#include "launcher/commands/command.h"
#include "proto/config/run_config.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What a checkpoint knows of the ledger. */
struct known {
    uint64_t step, records;
    char *head;
};

static void free_known(struct known *known, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(known[i].head);
    free(known);
}

/* What the checkpoints know; those that retention removes meanwhile are passed over. */
static struct known *read_known(const char *run, size_t *n, struct err *err)
{
    size_t n_steps = 0;
    uint64_t *steps = checkpoint_steps(run, &n_steps, err);
    if (!steps)
        return NULL;
    struct known *known = mem_new(n_steps, sizeof *known);
    int rc = 0;
    *n = 0;
    for (size_t i = 0; rc == 0 && i < n_steps; i++) {
        char *folder = checkpoint_folder(run, steps[i]), *path = file_join(folder, "manifest.json");
        Trireme__Manifest *manifest = checkpoint_manifest(folder, err);
        if (manifest)
            known[(*n)++] = (struct known){steps[i], manifest->ledger_records,
                                           mem_strdup(manifest->ledger_head)};
        else
            rc = file_exists(path) ? -1 : 0;
        message_free(manifest);
        free(path);
        free(folder);
    }
    free(steps);
    if (rc == 0)
        return known;
    free_known(known, *n);
    return NULL;
}

static int compare(const struct ledger *ledger, const struct known *known, const char *run,
                   struct err *err)
{
    char head[LEDGER_HEAD_SIZE];
    size_t n = ledger_records(ledger);
    if (known->records > n)
        return err_set(err, ERR_DATA,
                       "%s/ledger.jsonl: found %zu records, expected at least the %" PRIu64
                       " that the checkpoint of step %" PRIu64 " knows of",
                       run, n, known->records, known->step);
    ledger_head(ledger, (size_t)known->records, head);
    if (known->head && strcmp(known->head, head))
        return err_set(err, ERR_DATA,
                       "%s/ledger.jsonl:%" PRIu64
                       ": found SHA-256 %s, expected %s as in the checkpoint "
                       "of step %" PRIu64,
                       run, known->records, head, known->head, known->step);
    return 0;
}

int command_ledger_verify(const void *request, void *reply, struct err *err)
{
    const Trireme__LedgerVerifyRequest *r = request;
    Trireme__LedgerVerifyReply *out = reply;
    if (run_config_exists(r->run, err) < 0)
        return -1;
    size_t n = 0;
    // before the ledger, which may grow meanwhile
    struct known *known = read_known(r->run, &n, err);
    if (!known)
        return -1;
    struct ledger *ledger = ledger_open(r->run, false, err);
    int rc = ledger ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = compare(ledger, &known[i], r->run, err);
    if (rc == 0) {
        char head[LEDGER_HEAD_SIZE];
        ledger_head(ledger, ledger_records(ledger), head);
        out->has_records = true, out->records = ledger_records(ledger);
        out->head = mem_strdup(head);
        out->has_checkpoints = true, out->checkpoints = (uint32_t)n;
    }
    ledger_free(ledger);
    free_known(known, n);
    return rc;
}

/* A record as it stands in the file: only the submessage that its kind fills. */
static Trireme__Record *copy_of(const Trireme__Record *record)
{
    Trireme__Record shown = *record;
    shown.proposal = record->kind == TRIREME__RECORD_KIND__proposal ? record->proposal : NULL;
    shown.validation = record->kind == TRIREME__RECORD_KIND__validation ? record->validation : NULL;
    shown.plan = record->kind == TRIREME__RECORD_KIND__hypothesis ? record->plan : NULL;
    shown.application =
        record->kind == TRIREME__RECORD_KIND__application ? record->application : NULL;
    shown.observation =
        record->kind == TRIREME__RECORD_KIND__observation ? record->observation : NULL;
    shown.judgement = record->kind == TRIREME__RECORD_KIND__verdict ? record->judgement : NULL;
    if (record->promotion && !record->promotion->n_patch)
        shown.promotion = NULL;
    return message_copy(&shown);
}

int command_ledger_show(const void *request, void *reply, struct err *err)
{
    const Trireme__LedgerShowRequest *r = request;
    Trireme__LedgerShowReply *out = reply;
    if (run_config_exists(r->run, err) < 0)
        return -1;
    struct ledger *ledger = ledger_open(r->run, false, err);
    if (!ledger)
        return -1;
    out->n_records = ledger_records(ledger);
    out->records = mem_new(out->n_records, sizeof *out->records);
    for (size_t i = 0; i < out->n_records; i++)
        out->records[i] = copy_of(ledger_record(ledger, i));
    ledger_free(ledger);
    return 0;
}
