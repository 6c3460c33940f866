/* Runs one rank inside an MPI job, from START to END, in the role that its number gives it. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

#include <stdint.h>

struct run;

/* What a launch is to do, before any rank knows its role. plan fills the run (only rank 0 calls
 * it); config returns the configuration alone, for message_free, or NULL. */
struct job {
    const char *command[3]; /* its words, ended by NULL */
    int (*plan)(struct run *run, const void *request, struct err *err);
    Trireme__Config *(*config)(const void *request, struct err *err);
    const void *request;
    unsigned workers, servers; /* as asked for; workers 0: all ranks that are left */
    double max_seconds;        /* 0: no limit */
    double began;              /* when the command did, in seconds since 1970 */
    const char *replay;        /* folder of the run whose campaign is repeated, or NULL */
};

/* Runs this rank. Collective over the MPI job. Returns 0, or -1 with how the run ended; ranks but 0
 * return 0 unless nobody else could say it. *kept: updates in the newest checkpoint (rank 0). */
int job_run(const struct job *job, uint64_t *kept, struct err *err);

/* In the place of job_run where this rank's command line is refused, as err says: rank 0 ends the
 * job; another rank has rank 0 say it. command: its name. Collective. Returns -1, but 0 on ranks
 * above 0. */
int job_refuse(const char *command, struct err *err);
