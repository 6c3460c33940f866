/* What a run's ledger adds up to, for commands that look at it. Local. */
#pragma once
#include "base/err.h"
#include "coordinator/ledger/history.h"

/* Fails where the folder is no run, or its ledger is damaged; else the caller clears *history. */
int run_history_read(struct history *history, const char *run, struct err *err);
