/* The mpirun that `train` starts: its arguments, and the process. */
#pragma once
#include "base/err.h"

#include <sys/types.h>

struct hostfile;

/* What is to be started. All is borrowed. */
struct mpirun {
    const char *run;            /* the run's folder */
    const char *const *command; /* of the ranks, its words ended by NULL; the program is this one */
    char *const *arguments;     /* of the command, ended by NULL */
    unsigned ranks;
    unsigned servers;             /* to name a lost rank by its role */
    const char *hostfile;         /* or NULL */
    const struct hostfile *hosts; /* what it names, or NULL */
    double launch_seconds;        /* until all ranks are connected */
};

/* Starts mpirun in a session of its own that ends with this process, with nothing to read, and with
 * the environment set up for it: no variables of a job that this process is in, a HOME, whole names
 * of hosts, and no networks that hosts have each for itself. *pid: the process, to be waited for;
 * *errors: the read end of its stderr, to be closed. ERR_MACHINE where it cannot be executed. */
int mpirun_start(pid_t *pid, int *errors, const struct mpirun *job, struct err *err);
