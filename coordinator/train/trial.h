/* A line of training as the coordinator sees it: the trunk, a fork, a tail. Where it stands, what
 * it is made of, and the one step that is under way. No I/O.
 *
 * Positions count in three units that run together: updates done (`step`, which names checkpoints
 * and lines), samples of the data order, and tokens. The rate follows from tokens, so it is
 * continuous where the size of a step changes. */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"

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
    uint64_t step;        /* updates done */
    uint64_t until;       /* it goes on to that many */
    int forking;          /* servers whose FORKED is missing */
    char *refused;        /* why servers have no place for it, or NULL */
    uint64_t bytes;       /* that its state takes on the servers */
    bool diverged;        /* it will not go on */
    bool doomed;          /* to be dropped as soon as it rests */
    bool evaluated;       /* an evaluation of it is under way: it is not dropped before its end */
    /* the step under way */
    bool leased; /* leases are out for the update after `step`, or after the one that is committing
                  */
    bool committing; /* a decision is out */
    int uncommitted; /* servers whose COMMITTED is missing */
    struct step_result *result;
    double step_began;
    Trireme__TrainLine line; /* of the step that is committing; `trial` is borrowed from name */
};

/* Takes over config and segments. */
struct trial *trial_new(uint32_t number, const char *name, Trireme__Config *config,
                        Trireme__Segment **segments, size_t n_segments, struct position base,
                        uint64_t step_tokens, size_t n_blocks);
void trial_free(struct trial *trial);

/* Where it stands after `step` updates, and after those done. */
struct position trial_at(const struct trial *trial, uint64_t step);
struct position trial_position(const struct trial *trial);

/* Updates that the run's tokens come to, the way that this trial takes them. */
uint64_t trial_last_step(const struct trial *trial);

/* Learning rate of the update after `step`. */
double trial_lr(const struct trial *trial, uint64_t step);

/* The first step at which it can rest, with what is under way. */
uint64_t trial_first_rest(const struct trial *trial);

/* Whether nothing of it is under way: its state is that of `step`, and stays so. */
bool trial_rests(const struct trial *trial);

/* Rests at `until`, or for good. */
bool trial_arrived(const struct trial *trial);

uint32_t trial_leaves(const Trireme__Config *config);
uint64_t trial_step_tokens(const Trireme__Config *config);

/* Steps of the fork that have as many tokens as `steps` of the trunk; they must divide. */
uint64_t trial_equal_steps(uint64_t steps, const Trireme__Config *trunk,
                           const Trireme__Config *fork);
