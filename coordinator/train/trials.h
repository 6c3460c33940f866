/* All trials of a run, the trunk among them, and their steps: leases go to the workers, losses and
 * norms come back, a step decision goes to the servers, the servers commit the update.
 *
 * Each trial has one step under way; the leases of its next step go out with the decision on this
 * one. Workers take their leases in order, so trials share the workers step by step, and one trial
 * computes while another one's update is made. The bits of a trial do not depend on who computed
 * them. */
#pragma once
#include "base/err.h"
#include "coordinator/train/trial.h"

struct endpoint;
struct layout;
struct trials;
struct liveness;

/* Sets which workers take part in a step, anew for each step. For tests; NULL: all. */
typedef void (*lease_plan_fn)(bool *active, size_t n_workers, uint32_t trial, uint64_t step);

/* endpoint, liveness and layout are borrowed. */
struct trials *trials_new(struct endpoint *endpoint, struct liveness *liveness,
                          const struct layout *layout, int n_servers, lease_plan_fn plan);
void trials_free(struct trials *trials);

/* Adds the trial that START made: number 0. Takes over config and segments. The list owns its
 * trials. */
struct trial *trials_first(struct trials *trials, Trireme__Config *config,
                           Trireme__Segment **segments, size_t n_segments, struct position base,
                           uint64_t step_tokens);

/* What a new trial is made of besides its parent. */
struct fork {
    const char *name;
    uint64_t step;                 /* that it begins at, whatever the parent calls it */
    const Trireme__Config *config; /* copied */
    const char *checkpoint; /* folder to begin from, or NULL: the parent's state as it rests */
    const Trireme__Manifest *manifest; /* of that checkpoint; borrowed for the call */
    bool replaces; /* the parent goes as soon as it is there: no memory is refused to it */
};

/* Begins a fork of a trial that rests, or of a checkpoint of it. Its data order continues from
 * there under its own settings. It takes no step before all ranks have answered (TRIAL_FORKING).
 * Returns NULL with a sentence if the data order cannot continue so. */
struct trial *trials_fork(struct trials *trials, const struct trial *parent,
                          const struct fork *fork, struct err *err);

/* Lets all trials rest at their first rest; no new step begins. Returns whether all rest. */
bool trials_halt(struct trials *trials);

/* Leases every step that can be leased, and frees stopped trials that rest and are not held.
 * Returns whether anything was done. */
bool trials_go(struct trials *trials);

/* Messages of ranks. *committed is the trial whose step is done with this message, or NULL. A loss
 * or norm that is not finite makes a fork diverge; if it is the trunk's (`trunk`), it is an error
 * (ERR_TRAIN). A message that nobody asked for is ERR_MACHINE. */
int trials_losses(struct trials *trials, int from, const Trireme__Losses *losses,
                  const struct trial *trunk, struct err *err);
int trials_norms(struct trials *trials, int from, const Trireme__Norms *norms,
                 const struct trial *trunk, struct err *err);
int trials_committed(struct trials *trials, int from, const Trireme__Committed *message,
                     struct trial **committed, struct err *err);
int trials_forked(struct trials *trials, int from, const Trireme__Forked *forked, struct err *err);

/* Number of trials other than the trunk. */
size_t trials_forks(const struct trials *trials);
