/* The time between the start of mpirun and the moment when all ranks are connected. It has a bound
 * (wait.launch), and a sentence that names the host that did not answer, or what the network lacks.
 * Local. */
#pragma once
#include "base/err.h"

#include <stdbool.h>

struct mpirun;

struct launch {
    const struct mpirun *job; /* borrowed */
    double began;
    bool late;   /* the bound has passed */
    bool *begun; /* one a rank */
    unsigned n_begun;
    char **hosts; /* of the ranks that have begun */
    unsigned n_hosts;
};

void launch_begin(struct launch *launch, const struct mpirun *job, double now);
void launch_clear(struct launch *launch);

/* Takes a rank's line that it has begun (entry.h). False: it is another line. */
bool launch_take_line(struct launch *launch, const char *line);

/* Whether the bound has passed before the ranks were connected: true once, then `late` says it. */
bool launch_passes(struct launch *launch, bool connected, double now);

/* What held a late launch up, with ERR_MACHINE; returns -1. Asks hosts on which no rank has begun
 * whether they answer, which takes some seconds. To be called when mpirun has ended. */
int launch_explain(const struct launch *launch, struct err *err);
