/* How a launch ended: what rank 0 wrote to RUN/status.json, else what mpirun said of it. */
#pragma once
#include "base/err.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct mpirun;

/* What was seen of a launch until its end. All zero: nothing yet. */
struct outcome {
    int code;             /* mpirun's exit code, or 128 and the signal that ended it */
    bool by_signal;       /* a signal ended it */
    bool said;            /* a rank said something to people */
    bool launched;        /* rank 0 takes requests */
    bool began;           /* training did: where it went back to a step, that is done */
    bool asked;           /* to stop */
    bool ended_at_once;   /* the user asked for it */
    bool cut_short;       /* the run was over, and what was left of the launch was killed */
    int lost_signal;      /* that killed the first rank that was lost; 0: none */
    uint64_t incarnation; /* of this launch; 0: it did not get the run */
    struct text noise;    /* what mpirun said; freed by outcome_clear */
    char lost[200];       /* "server 1 (rank 2 on h) was lost: killed by signal 9", or "" */
};

/* Takes a line of mpirun's own. servers: to name a lost rank by its role. */
void outcome_add_line(struct outcome *outcome, const char *line, unsigned servers);

/* Returns 0, or -1 with how the run ended: as rank 0 wrote, but a rank or an mpirun that was killed
 * is no stop that somebody asked for, though the ranks that are left may take it for one. A
 * sentence that rank 0 has said already is empty. *kept: updates in the newest checkpoint. */
int outcome_judge(const struct outcome *outcome, const struct mpirun *job, uint64_t *kept,
                  struct err *err);
void outcome_clear(struct outcome *outcome);
