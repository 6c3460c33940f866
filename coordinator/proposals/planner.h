/* The interface of planners, one file each: a briefing in, proposals out, both messages of the
 * schema. A planner never delays training: ask hands the briefing over and returns, poll checks for
 * an answer. */
#pragma once
#include "base/err.h"

#include "planner.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

struct planner;

enum planner_answer {
    PLANNER_NOTHING,   /* not yet */
    PLANNER_PROPOSALS, /* here they are; perhaps none */
    PLANNER_FAILED, /* no answer, or none that could be read: the sentence says why; it may be asked
                       again */
    PLANNER_GONE,   /* the same, and it cannot be asked again */
};

struct planner_ops {
    const char *name; /* for the ledger (actor.h) */
    void (*ask)(struct planner *planner, const Trireme__Briefing *briefing);
    /* On PLANNER_PROPOSALS *proposals is the caller's. Local, never waits. */
    enum planner_answer (*poll)(struct planner *planner, Trireme__Proposals **proposals,
                                struct err *err);
    void (*free)(struct planner *planner);
    /* Of a planner whose proposals come by themselves, by the inbox; NULL for one that answers: it
     * has nothing more to propose in the turn of this step. poll then says PLANNER_PROPOSALS, with
     * none. ERR_USAGE if that turn is not open. Such a planner may be asked before it is done: the
     * turn before has ended then. */
    int (*done)(struct planner *planner, uint64_t step, struct err *err);
};

struct planner { /* the first member of each planner's own struct */
    const struct planner_ops *ops;
    uint32_t pid; /* of its newest process; 0: this one */
};

/* A planner that draws legal patches at random: a function of (seed, number of proposals made
 * before, briefing). */
struct planner *planner_random_new(uint64_t seed);

/* A planner that is a client of the run (RUN/inbox): its turns are told by RUN/turn (turn.h).
 * incarnation: of this launch. */
struct planner *planner_client_new(const char *run, uint64_t incarnation);
