/* A planner that is a program (experiment.planner: script): a briefing as one JSON line on its
 * stdin (message Briefing), an answer as one JSON line on its stdout (message Proposals); what it
 * says on stderr goes to RUN/planner.log.
 *
 * It is started when it is first asked, in a session of its own, without the variables and the open
 * files of the MPI job, and dies with this process. Whatever it does, training goes on: nothing
 * here waits for it. It is ended (SIGKILL to its process group), and started anew when it is asked
 * the next time, where it does not answer in time, answers what is no message, or writes more than
 * it may; one that ended by itself after an answer is started anew too. After three failures in a
 * row it is asked no more. Of an answer the first PLANNER_SCRIPT_PROPOSALS proposals are taken; the
 * log says so where there were more. Local. */
#pragma once
#include "base/err.h"
#include "coordinator/proposals/planner.h"

#include <stddef.h>

enum {
    PLANNER_SCRIPT_PROPOSALS = 64,
    PLANNER_SCRIPT_BYTES = 1 << 20 /* of a line, and of what nobody asked for */
};

/* Whether there is such a program to execute; ERR_USAGE. Looked up in PATH where its name has no
 * slash. */
int planner_script_check(char *const *command, size_t n, struct err *err);

/* command: the program and its n - 1 arguments, copied. run: folder of the log. patience: seconds
 * for an answer. */
struct planner *planner_script_new(char *const *command, size_t n, const char *run, double patience,
                                   struct err *err);
