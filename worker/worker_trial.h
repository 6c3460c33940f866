/* The trials that a worker knows: number, configuration, data order. The trunk comes with START,
 * others with FORK; they go with DROP. All of a run's trials share the model's shape, the sources
 * and what is computed with: that is checked. */
#pragma once
#include "base/err.h"
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
    uint32_t next; /* all numbers below were given, and are never given again */
};

/* Adds a trial; copies its arguments. like: a trial's configuration that it must share the above
 * with, or NULL. Error: a number that was given before or a configuration that is not like it
 * (ERR_MACHINE), what order_new says. */
int worker_trials_add(struct worker_trials *trials, uint32_t number, const Trireme__Config *config,
                      const Trireme__Segment *const *segments, size_t n_segments,
                      const Trireme__Config *like, struct err *err);

/* NULL: it is not there. */
struct worker_trial *worker_trials_find(const struct worker_trials *trials, uint32_t number);

/* Takes it out of the list; the caller's now. NULL: it is not there. */
struct worker_trial *worker_trials_take(struct worker_trials *trials, uint32_t number);

void worker_trials_clear(struct worker_trials *trials);
void worker_trial_free(struct worker_trial *trial); /* accepts NULL */

/* Microbatches of a step. */
uint32_t worker_trial_leaves(const struct worker_trial *trial);
