/* The coordinator, rank 0: tells the ranks what to train, reads what comes back, decides, and
 * writes down what happened.
 *
 *   START to all -> READY from all -> steps of the trunk and of its forks (trials.h) -> END to all.
 * The trunk rests at some steps; there, in this order: an evaluation; pairs of experiments that end
 * there are judged, and a fork may become the trunk (campaign.h); people and the planner are heard
 * (intake.h; that also at each step between); a checkpoint (checkpointer.h); forks that begin
 * there. A state machine without waiting; its files are small and written at once. */
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
    double max_seconds;          /* 0: no limit */
    bool live;                   /* one live line instead of plain ones */
    int columns;                 /* width of the terminal */
    volatile sig_atomic_t *stop; /* set by a signal: stop after a checkpoint; may be NULL */
    lease_plan_fn plan;          /* or NULL */
    struct planner *planner;     /* or NULL; taken over by coordinator_new, also where that fails */
    const char *replay; /* folder of a run whose campaign is lived through again, or NULL */
    bool allow_noop;    /* patches that change nothing are tried too: tests of forks */
};

/* Borrowed: the endpoint, the claimed run. NULL with a sentence on error. */
struct coordinator *coordinator_new(struct endpoint *endpoint, struct run *run,
                                    const struct coordinator_options *options, struct err *err);
void coordinator_free(struct coordinator *coordinator);
enum turn coordinator_turn(void *coordinator, struct err *err);

/* Turns it until the run is over; how it ended (ERR_NONE, ERR_STOPPED, or an error with its
 * sentence) goes to *how and, as END, to all ranks. Returns whether all ranks are likely to be
 * alive and to end in good order. */
bool coordinator_run(struct coordinator *coordinator, struct err *how);

/* Updates done and kept in a checkpoint. */
uint64_t coordinator_kept_step(const struct coordinator *coordinator);
