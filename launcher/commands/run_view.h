/* What is known of a run from its files alone, while it trains and afterwards: its configuration,
 * ledger, metrics, policy, and what its data has to judge by.
 *
 * The trunk's step is that of metrics.jsonl, which may lag behind the training by a moment. So what
 * is told of the next steps holds for a request that comes then, and may be some steps old.
 * Local. */
#pragma once
#include "base/err.h"
#include "coordinator/campaign/prospect.h"
#include "coordinator/gate/gate_windows.h"
#include "coordinator/ledger/history.h"

#include "files.pb-c.h"
#include "planner.pb-c.h"

#include <stdint.h>

struct curve;
struct ledger;

struct run_view {
    Trireme__Config *asked;      /* as in config.yaml */
    Trireme__Manifest *manifest; /* of the newest checkpoint that can be read, or NULL */
    Trireme__Config *in_force;   /* as asked, with what the ledger says was adopted */
    Trireme__Policy *policy;     /* or NULL */
    struct ledger *ledger;
    struct history history;
    struct curve *curve;
    double *weights;      /* of each source at the start: the goal's, if gate.weights says none */
    uint64_t step;        /* the last one in metrics.jsonl */
    uint32_t windows_max; /* gate_windows_max; 0: the data cannot be opened here */
    char *off;            /* why nothing can be tried in this run, as far as the files tell; or
                             NULL */
};

/* Fails where the folder is no run, or one of its files is damaged. run_view_clear in any case. */
int run_view_read(struct run_view *view, const char *run, struct err *err);
void run_view_clear(struct run_view *view);

/* What lies ahead of the run. Borrows of the view. */
struct prospect run_view_prospect(const struct run_view *view);
