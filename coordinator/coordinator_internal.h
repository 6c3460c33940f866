/* What the files of the coordinator share: coordinator.c (the start, messages, the loop),
 * coordinator_rest.c (what is done while the trunk rests). For them only. */
#pragma once
#include "coordinator/coordinator.h"
#include "coordinator/train/roster.h"

/* What the trunk does: it trains, or it rests and these things are done one after the other. */
enum stage {
    STAGE_READY,
    STAGE_TRAIN,
    STAGE_EVALUATE,
    STAGE_JUDGE,
    STAGE_SAVE,
    STAGE_FORK,    /* goes on to STAGE_TRAIN */
    STAGE_SUSPEND, /* where the launch ends on request: goes on to STAGE_FINISH */
    STAGE_FINISH
};

struct coordinator {
    struct endpoint *endpoint; /* borrowed */
    struct run *run;           /* borrowed */
    struct coordinator_options options;
    const Trireme__Config *config; /* the operator's */
    int first_worker;
    struct layout *layout;
    struct liveness *liveness;
    struct trials *trials;
    struct trial *trunk; /* borrowed from trials */
    struct evaluator *evaluator;
    struct journal *journal;
    struct suspended *suspended;
    struct campaign *campaign; /* from the roster on */
    struct intake *intake;     /* from the roster on */
    struct metrics *metrics;
    struct progress *progress;
    struct checkpointer *checkpointer;
    struct roster roster;
    struct evaluation *evaluation; /* of the dev parts; NULL where there is none to be done */
    enum stage stage;
    bool evaluating;     /* the trunk's evaluation is under way */
    bool stopping, over; /* on request; nothing was to be done at all */
    bool saves_anew;     /* the checkpoint that this launch continues is no longer what holds at its
                            step */
    uint64_t saved;      /* step of the newest order to save */
    size_t n_suspended;  /* lines of training that were ordered to be suspended */
    double began, turned, beaten;
    uint64_t beats;
};

/* Whether the run is over with that step of the trunk. */
bool coordinator_is_last(const struct coordinator *coordinator, uint64_t step);

/* The trunk's step is done: its line is written, people and planner are heard, and a checkpoint
 * that is due is ordered, unless it rests here and all of that has its turn in act(). */
int coordinator_trunk_stepped(struct coordinator *coordinator, struct err *err);

/* What can be done now while the trunk rests. Returns 1 if something was done, 0 if not, -1 on
 * error. */
int coordinator_act(struct coordinator *coordinator, struct err *err);
