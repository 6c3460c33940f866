/* What a run of the bench came to, out of its own files. Local. */
#pragma once
#include "base/err.h"

#include "bench.pb-c.h"

/* Fills in what the run's configuration and its ledger say: tokens, experiments, adoptions. */
int bench_result_read(Trireme__BenchRun *result, const Trireme__BenchTask *task, const char *folder,
                      struct err *err);
