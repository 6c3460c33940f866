/* The coordinator, rank 0: sends START, leases work, decides each step, writes the run's records.
 *
 *     START to all -> READY from all -> steps of the trunk and its forks (trials.h) -> END to all
 *
 * At some steps the trunk rests. Then, in this order: an evaluation runs; pairs that end here are
 * judged, and a fork may become the trunk (campaign.h); proposals of people and of the planner are
 * taken in (intake.h; that also happens at each step between); a checkpoint is written
 * (checkpointer.h); forks that are due begin.
 *
 * A request to stop may come at any time: by a signal of this rank or of another, by RUN/inbox, or
 * because the time is over. The step that has begun is ended, and no other begins; an evaluation is
 * abandoned; the trunk's checkpoint is written, and forks are suspended beside it. Whoever goes on
 * does what was abandoned. A limit of time alone always lets one step be done.
 *
 * It is a state machine: a turn does what can be done now and never waits for a rank. Its files are
 * small and are written within the turn. */
#pragma once
#include "base/err.h"
#include "coordinator/train/trials.h"
#include "proto/net/role.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coordinator;
struct endpoint;
struct planner;
struct run;

struct coordinator_options {
    int n_servers;
    double deadline; /* clock_now() after which no step begins but the first; 0: never */
    bool live;       /* one live line instead of plain ones */
    int columns;     /* width of the terminal */
    const volatile sig_atomic_t *stop; /* set by a signal: stop after a checkpoint; may be NULL */
    void (*began)(void);     /* called when training begins, going back is done; may be NULL */
    lease_plan_fn plan;      /* which workers take part in a step; NULL: all */
    struct planner *planner; /* or NULL; taken over by coordinator_new, also where that fails */
    const char *left_out;    /* networks that the launcher left out, for the log; or NULL */
    const char *replay;      /* folder of the run whose campaign is repeated, or NULL */
    bool allow_noop;         /* tests only: a patch that changes nothing is legal */
};

/* endpoint and run (claimed, located) are borrowed. Sends START. Returns NULL with a sentence on
 * error. */
struct coordinator *coordinator_new(struct endpoint *endpoint, struct run *run,
                                    const struct coordinator_options *options, struct err *err);
void coordinator_free(struct coordinator *coordinator);
enum turn coordinator_turn(void *coordinator, struct err *err);

/* Turns it until the run is over. *how says how it ended: ERR_NONE, ERR_STOPPED, or an error with
 * its sentence. Sends END with that code to all ranks. Returns true if all ranks can be expected to
 * end in good order. */
bool coordinator_run(struct coordinator *coordinator, struct err *how);

/* Updates in the newest complete checkpoint, and updates that this launch did. */
uint64_t coordinator_kept_step(const struct coordinator *coordinator);
uint64_t coordinator_steps_done(const struct coordinator *coordinator);
