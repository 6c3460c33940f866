/* The coordinator, rank 0: tells the ranks what to train, leases the work of each step, reads what comes back, decides,
 * and writes down what happened.
 *
 *   START to all -> READY from all -> for each step: LEASE to workers, LOSSES and NORMS back, VERDICT to servers, COMMITTED
 *   back, the step's line in metrics.jsonl; at times an evaluation (LEASE, LOSSES) and a checkpoint (SAVE, SAVED, manifest)
 *   -> END to all.
 * The leases of a step go out together with the verdict on the one before, unless something is to be done between them.
 * A state machine without waiting; its files are small and written at once. */
#pragma once
#include "base/err.h"
#include "proto/net/role.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coordinator;
struct endpoint;
struct run;

struct coordinator_options {
    int n_servers;
    double max_seconds;          /* 0: no limit */
    bool live;                   /* one live line instead of plain ones */
    int columns;                 /* width of the terminal */
    volatile sig_atomic_t *stop; /* set by a signal: stop after a checkpoint; may be NULL */
    /* Which workers take part in a step, decided anew for each; NULL: all, always. */
    void (*plan)(bool *active, size_t n_workers, uint64_t step);
};

/* Borrowed: the endpoint, the claimed run. NULL with a sentence on error. */
struct coordinator *coordinator_new(struct endpoint *endpoint, struct run *run,
                                    const struct coordinator_options *options, struct err *err);
void coordinator_free(struct coordinator *coordinator);
enum turn coordinator_turn(void *coordinator, struct err *err);

/* Turns it until the run is over; how it ended (ERR_NONE, ERR_STOPPED, or an error with its sentence) goes to *how and, as
 * END, to all ranks. Returns whether all ranks are likely to be alive and to end in good order. */
bool coordinator_run(struct coordinator *coordinator, struct err *how);

/* Updates done and kept in a checkpoint. */
uint64_t coordinator_kept_step(const struct coordinator *coordinator);
