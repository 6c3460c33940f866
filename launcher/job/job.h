/* Runs one rank inside an MPI job, from START to END, in the role that its number gives it. */
#pragma once
#include "base/err.h"

#include <stdint.h>

struct run;

/* What a launch is to do, before any rank knows its role. plan fills the run (only rank 0 calls
 * it). */
struct job {
    int (*plan)(struct run *run, const void *request, struct err *err);
    const void *request;
    unsigned workers, servers; /* as asked for; workers 0: all ranks that are left */
    double max_seconds;        /* 0: no limit */
    double began;              /* when the command did, in seconds since 1970 */
    const char *replay;        /* folder of the run whose campaign is repeated, or NULL */
};

/* Runs this rank. Collective over the MPI job. Returns 0, or -1 with how the run ended; ranks but 0
 * return 0 unless nobody else could say it. *kept: updates in the newest checkpoint (rank 0). */
int job_run(const struct job *job, uint64_t *kept, struct err *err);
