/* The mpirun that `train` starts: its arguments, and the process. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
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
    bool goes_back;               /* the command goes back to a step */
    double began;                 /* when the command did, in seconds since 1970 */
};

/* Starts mpirun in a session of its own, with the environment set up for it: no variables of a job
 * that this process is in, a HOME, whole names of hosts, and no networks that hosts have each for
 * itself. It holds back the signals that ask to stop, so that none ends it: whoever waits for it
 * sees them there (stop_request_waits_at). *pid: the process, to be waited for; *errors: the read
 * end of its stderr; *orders: the write end of what rank 0 listens to (stop_request_listen); both
 * to be closed. Where this process dies, rank 0 finds the end of its orders, and an mpirun that has
 * not come to handle signals is killed. ERR_MACHINE where it cannot be executed. */
int mpirun_start(pid_t *pid, int *errors, int *orders, const struct mpirun *job, struct err *err);
