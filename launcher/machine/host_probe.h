/* Which hosts answer to the program that mpirun starts its daemons with: ssh, or that of
 * OMPI_MCA_plm_rsh_agent. Local. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct host_answer {
    bool ended;     /* the agent ended within the bound */
    int code;       /* with that code; 0: the host answered */
    char line[200]; /* the last line that was printed, or "" */
};

/* Runs the command on each host, all at once, for so many seconds at most: `ssh HOST COMMAND`.
 * answers: one a host. agent: gets the agent's name; borrowed, never NULL. ERR_MACHINE where the
 * agent cannot be executed. */
int host_probe(struct host_answer *answers, const char **agent, const char *const *hosts, size_t n,
               const char *command, double seconds, struct err *err);
