/* All lines of training of a run, the trunk among them, and the steps that they take: leases go out
 * to the workers, losses and norms come back, a decision goes to the servers, the update is
 * committed. Each trial has one step under way, and the leases of the next go out with the decision
 * on this one; workers take what they are leased in order, so that trials share them step by step,
 * and one works while the other's update is made. What a trial's bits are does not depend on who
 * computed them. */
#pragma once
#include "base/err.h"
#include "coordinator/train/trial.h"

struct endpoint;
struct layout;
struct trials;
struct liveness;

/* Which workers take part in a step, decided anew for each; NULL: all, always. */
typedef void (*lease_plan_fn)(bool *active, size_t n_workers, uint32_t trial, uint64_t step);

/* Borrowed: endpoint, liveness, layout. */
struct trials *trials_new(struct endpoint *endpoint, struct liveness *liveness,
                          const struct layout *layout, int n_servers, lease_plan_fn plan);
void trials_free(struct trials *trials);

/* The trial that START made: number 0. Takes over config and segments. Trials are owned by the
 * list. */
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

/* Begins a fork of a trial that rests, or of a checkpoint of its line; its data order goes on from
 * there by its own settings. It may not be used before its FORKED are all there (trial.forking ==
 * 0), nor if it was refused. NULL with a sentence where the data order cannot go on so. */
struct trial *trials_fork(struct trials *trials, const struct trial *parent,
                          const struct fork *fork, struct err *err);

/* Has all trials come to rest where they can first; none goes on. Returns whether they do rest. */
bool trials_halt(struct trials *trials);

/* Leases every step that can be leased, and drops what is doomed and rests. Returns whether
 * anything was done. */
bool trials_go(struct trials *trials);

/* Messages. A step that is decided or committed is told by *decided and *committed (or NULL). A
 * loss or norm that is not finite ends a fork (diverged); of the trunk, which `trunk` names, it is
 * an error. */
int trials_losses(struct trials *trials, int from, const Trireme__Losses *losses,
                  const struct trial *trunk, struct err *err);
int trials_norms(struct trials *trials, int from, const Trireme__Norms *norms,
                 const struct trial *trunk, struct err *err);
int trials_committed(struct trials *trials, int from, const Trireme__Committed *message,
                     struct trial **committed, struct err *err);
int trials_forked(struct trials *trials, int from, const Trireme__Forked *forked, struct err *err);

/* Live forks, tails included. */
size_t trials_forks(const struct trials *trials);
