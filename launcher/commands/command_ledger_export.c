/* trireme ledger export. */
#include "base/mem.h"
#include "coordinator/memory/ledger_sqlite.h"
#include "launcher/commands/command.h"

#include "command.pb-c.h"

int command_ledger_export(const void *request, void *reply, struct err *err)
{
    const Trireme__LedgerExportRequest *r = request;
    Trireme__LedgerExportReply *out = reply;
    uint64_t records = 0;
    if (ledger_sqlite_write(&records, r->out, r->run, r->n_run, err) < 0)
        return -1;
    out->out = mem_strdup(r->out);
    out->has_runs = 1, out->runs = (uint32_t)r->n_run;
    out->has_records = 1, out->records = records;
    return 0;
}
