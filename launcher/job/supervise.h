/* Starting mpirun and living with it: it runs in a session of its own that ends with this process,
 * its own chatter is kept back unless it is needed, signals become requests, and how the run ended
 * is read from RUN/status.json, not from its exit code. */
#pragma once
#include "base/err.h"

#include <stdint.h>

/* What rank 0 says on stderr, alone on a line: once it listens to signals; and, with the launch's
 * incarnation behind it, once the run is its own. A status of another incarnation is another
 * launch's. */
#define SUPERVISE_LAUNCHED "trireme-launched"
#define SUPERVISE_CLAIMED  "trireme-claimed "

struct supervise {
    const char *run;            /* the run's folder */
    const char *const *command; /* of the ranks, its words ended by NULL; the program is this one */
    char *const *arguments;     /* of the command, ended by NULL */
    unsigned ranks;
    unsigned servers;     /* to name a lost rank by its role */
    const char *hostfile; /* or NULL */
};

/* Runs the job to its end. Returns 0, or -1 with how it ended. *kept: updates in the newest
 * checkpoint. The first SIGINT, SIGTERM or SIGUSR1 asks for a checkpoint and the end, a second
 * SIGINT or SIGTERM ends at once. */
int supervise(const struct supervise *job, uint64_t *kept, struct err *err);
