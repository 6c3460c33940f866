#include "launcher/commands/run_history.h"

#include "coordinator/ledger/ledger.h"
#include "proto/config/run_config.h"

int run_history_read(struct history *history, const char *run, struct err *err)
{
    struct ledger *ledger = run_config_exists(run, err) < 0 ? NULL : ledger_open(run, false, err);
    *history = (struct history){0};
    if (!ledger)
        return -1;
    history_read(history, ledger, ledger_records(ledger));
    ledger_free(ledger);
    return 0;
}
