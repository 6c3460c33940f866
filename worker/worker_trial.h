/* The trials that a worker knows: number, configuration, data order. START adds the trunk, FORK the
 * others; DROP removes them. All trials of a run have the same model shape, the same sources and
 * the same compute settings: worker_trials_add checks this. */
#pragma once
#include "base/err.h"
#include "control.pb-c.h"
#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct order;

struct worker_trial {
    uint32_t number;
    Trireme__Config *config;
    struct order *order;
    bool over; /* dropped while a lease of it was under way */
};

struct worker_trials {
    struct worker_trial **rows;
    size_t n, room;
    uint32_t next; /* all lower numbers were given, and are never given again */
};

/* Adds a trial. Copies its arguments. like: the configuration of a trial with which it must share
 * the above, or NULL. Fails with ERR_MACHINE if the number was given before or the configuration
 * differs, with ERR_USAGE if the number of sources is not that of the data order, and as order_new
 * does. */
int worker_trials_add(struct worker_trials *trials, uint32_t number, const Trireme__Config *config,
                      const Trireme__Segment *const *segments, size_t n_segments,
                      const Trireme__Config *like, struct err *err);

/* Returns the trial of that number, or NULL if there is none. */
struct worker_trial *worker_trials_find(const struct worker_trials *trials, uint32_t number);

/* Takes a trial out of the list; the caller owns it. NULL if there is none. */
struct worker_trial *worker_trials_take(struct worker_trials *trials, uint32_t number);

void worker_trials_clear(struct worker_trials *trials);
void worker_trial_free(struct worker_trial *trial); /* accepts NULL */

/* Fills in what the trial's steps are computed with. in_force borrows from the trial. */
void worker_trial_tell(const struct worker_trial *trial, Trireme__InForce *in_force);

/* Microbatches of a step. */
uint32_t worker_trial_leaves(const struct worker_trial *trial);
