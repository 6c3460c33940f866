/* Starts and supervises mpirun: it runs in a session of its own that ends with this process; its
 * own output is held back unless it is needed; signals become requests; how the run ended is read
 * from RUN/status.json, not from the exit code. */
#pragma once
#include "base/err.h"

#include <stdint.h>

/* Lines of rank 0 on stderr, each alone on a line: when it handles signals; and, followed by the
 * launch's incarnation, when it has claimed the run. A status with another incarnation is another
 * launch's. */
#define SUPERVISE_LAUNCHED "trireme-launched"
#define SUPERVISE_CLAIMED  "trireme-claimed "

struct mpirun;

/* Runs the job to its end. Returns 0, or -1 with how it ended. *kept: updates in the newest
 * checkpoint. The first SIGINT, SIGTERM or SIGUSR1 asks for a checkpoint and the end, a second
 * SIGINT or SIGTERM ends at once. */
int supervise(const struct mpirun *job, uint64_t *kept, struct err *err);
