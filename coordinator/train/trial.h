/* A trial as the coordinator sees it: the trunk, a fork, or a tail. Where it stands, what it is
 * made of, and the step that is under way. No I/O.
 *
 * A position counts in three units: updates done (`step`, which names checkpoints and lines),
 * samples of the data order, and tokens. The rate follows from tokens, so it is continuous where
 * the size of a step changes. */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"
#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct step_result;

struct position {
    uint64_t step, samples, tokens;
};

/* A tail: from its first step on the rate falls in a straight line to 0. */
struct tail {
    uint64_t from, steps; /* steps 0: there is none */
    double lr;            /* at its first step */
};

/* Where a trial is. The ranks take it in, or cannot (no memory); then it trains up to
 * `until` and rests there, until it gets more steps, diverges, or is stopped.
 *
 *               leads to: OPEN  REFUSED  DIVERGED  STOPPED    by
 * FORKING                  x       x                  x       trial_forked, trial_stop
 * OPEN                                      x         x       trial_diverge, trial_stop
 * REFUSED                                             x       trial_stop
 * DIVERGED                                            x       trial_stop
 * STOPPED                                                     (the list frees it) */
enum trial_state {
    TRIAL_FORKING,  /* answers of ranks are missing */
    TRIAL_OPEN,     /* takes steps up to `until` */
    TRIAL_REFUSED,  /* a rank cannot train it: it takes no steps */
    TRIAL_DIVERGED, /* a loss or norm was not finite, or far too high: it takes no more steps */
    TRIAL_STOPPED,  /* is dropped as soon as it rests and nobody holds it */
};

/* Written by trial.c alone. */
struct trial {
    struct trial *next; /* in the list that owns it */
    uint32_t number;
    char *name; /* in metrics.jsonl and for people: "trunk", "h3.1" */
    Trireme__Config *config;
    Trireme__Segment **segments;
    size_t n_segments;
    struct position base; /* where it began, or last changed */
    struct tail tail;
    uint64_t step_tokens; /* of a step at the start of the run: the unit of train.steps */
    uint64_t planned;     /* tokens of the whole run; 0: those that train.steps asks for */
    uint64_t step;        /* updates done */
    uint64_t until;       /* it trains up to that many */
    enum trial_state state;
    int n_forking;  /* ranks whose FORKED is missing */
    char *refused;  /* why a rank cannot train it, or NULL */
    bool differs;   /* that rank would train it with other values than its configuration has */
    uint64_t bytes; /* that its state takes on the servers */
    bool held;      /* somebody reads its weights: it is not dropped meanwhile */
    /* The step under way. Leases of the next go out while this one commits. */
    bool leased;       /* leases are out for the update after the ones that are decided */
    bool committing;   /* a step decision is out */
    int n_uncommitted; /* servers whose COMMITTED is missing */
    struct step_result *result;
    double step_began;
    Trireme__TrainLine line; /* of the step that is committing; `trial` is borrowed from name */
};

/* Takes over config and segments. n_forking: number of ranks that will answer; 0: its state is
 * there already. */
struct trial *trial_new(uint32_t number, const char *name, Trireme__Config *config,
                        Trireme__Segment **segments, size_t n_segments, struct position base,
                        uint64_t step_tokens, size_t n_blocks, int n_forking);
void trial_free(struct trial *trial);

/* A rank's answer to FORK: the bytes of its part, or why it cannot train it (NULL: it can). That is
 * memory, or it would train with other values (differs). The first reason is kept. */
void trial_forked(struct trial *trial, uint64_t bytes, const char *refused, bool differs);

/* It trains up to `step`; the second: no further than the steps that are leased. */
void trial_run_until(struct trial *trial, uint64_t step);
void trial_rest(struct trial *trial);

/* It takes no more steps; the second: and is dropped as soon as it rests and is not held. */
void trial_diverge(struct trial *trial);
void trial_stop(struct trial *trial);

/* Its weights are being read: it is not dropped until it is released. */
void trial_hold(struct trial *trial);
void trial_release(struct trial *trial);

void trial_rename(struct trial *trial, const char *name);

/* It becomes a tail and trains to the tail's end. */
void trial_begin_tail(struct trial *trial, struct tail tail);

/* One step. trial_lease: its leases went out. trial_decide: all that was leased came back; fills in
 * the decision, or returns ERR_TRAIN if it is not finite, and nothing is decided. trial_committed:
 * one of n_servers has committed it; returns true with the last. now: seconds of clock_now. */
bool trial_may_lease(const struct trial *trial);
void trial_lease(struct trial *trial, double now);
int trial_decide(struct trial *trial, Trireme__StepDecision *decision, int n_servers,
                 struct err *err);
bool trial_committed(struct trial *trial, double now);

/* Notes in the line of the step that was committed for how long the trial rested before it. */
void trial_note_held(struct trial *trial, double seconds);

/* Its position after `step` updates, and after the updates done. */
struct position trial_at(const struct trial *trial, uint64_t step);
struct position trial_position(const struct trial *trial);

/* The run is to have so many tokens, of which this trial's steps use up what is left. The rate
 * reads its length from them. */
void trial_plan(struct trial *trial, uint64_t tokens);

/* The tokens of the run, and the update with which they are used up, in steps of this trial. */
uint64_t trial_all_tokens(const struct trial *trial);
uint64_t trial_last_step(const struct trial *trial);

/* The scheduled learning rate after so many tokens of a run of `all` tokens. step_tokens: as in
 * struct trial. */
double trial_scheduled_lr(const Trireme__Config *config, uint64_t tokens, uint64_t all,
                          uint64_t step_tokens);

/* Learning rate of the update after `step`. */
double trial_lr(const struct trial *trial, uint64_t step);

/* The first step at which it can rest, given what is leased and committing. */
uint64_t trial_first_rest(const struct trial *trial);

/* Whether nothing of it is under way, so that its state is that of `step` and stays so. */
bool trial_rests(const struct trial *trial);

/* Whether it rests and will not take a step by itself: it is at `until`, or not open. */
bool trial_arrived(const struct trial *trial);

/* Number of the fork's steps that have as many tokens as `steps` of the trunk's. They must divide.
 */
uint64_t trial_equal_steps(uint64_t steps, const Trireme__Config *trunk,
                           const Trireme__Config *fork);
