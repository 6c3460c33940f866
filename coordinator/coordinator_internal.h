/* Shared by coordinator.c (start, messages, the loop), stages.c (what is done while the trunk
 * rests), stop.c (requests to stop) and notes.c (what is said at the start). For these files only.
 */
#pragma once
#include "coordinator/coordinator.h"
#include "coordinator/train/roster.h"

struct eval_source;

/* What the run does now. The order is that of the values; the arrows are the exceptions. */
enum stage {
    STAGE_READY, /* not all ranks have sent READY, or small token files are read whole */
    STAGE_TRAIN,
    STAGE_EVALUATE,
    STAGE_JUDGE,
    STAGE_HOLD, /* the planner is waited for */
    STAGE_SAVE,
    STAGE_FORK,    /* -> STAGE_TRAIN */
    STAGE_SUSPEND, /* only if the launch ends on request -> STAGE_FINISH */
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
    struct remember *remember; /* NULL in a replay */
    bool remembering_failed;   /* the log says so */
    struct campaign *campaign; /* NULL before all are READY */
    struct intake *intake;     /* NULL before all are READY */
    struct metrics *metrics;
    struct progress *progress;
    struct checkpointer *checkpointer;
    struct whole_read *whole_read;
    struct roster roster;
    struct evaluation *evaluation; /* of the dev parts; NULL where there is none to be done */
    enum stage stage;
    /* Why the trunk takes no more steps, while a fork may yet take its place; code ERR_NONE: it
     * does.
     * That is at this step. */
    struct err diverged;
    uint64_t outlived_at;
    bool evaluating; /* the trunk's evaluation is under way */
    bool owes_eval;  /* the launch before was stopped in the evaluation of this one's first step */
    bool unfinished; /* this one was stopped before all was done that is due at this step */
    bool stop_asked; /* by another rank, or in RUN/inbox */
    bool stopping, over; /* on request; there was nothing to do at all */
    bool saves_anew;     /* the checkpoint that this launch continues must be written again */
    uint64_t saved;      /* step of the newest order to save */
    double held_seconds; /* before the step that comes next */
    size_t n_suspended;  /* trials that were ordered to be suspended */
    double all_ready;    /* when the last rank was; 0: not yet, or training has begun */
    double turned, beaten, looked; /* the last into RUN/inbox */
    uint64_t beats;
};

/* Whether the trunk has its steps after that one; whether an evaluation is due there. */
bool coordinator_is_last(const struct coordinator *coordinator, uint64_t step);
bool coordinator_eval_due(const struct coordinator *coordinator, uint64_t step);

/* Whether the launch is to end as soon as it can. The second notes it: from then on there are no
 * evaluations. */
bool coordinator_stop_asked(const struct coordinator *coordinator);
bool coordinator_stops(struct coordinator *coordinator);

/* Looks for a request to stop in RUN/inbox, now and then, at any stage. */
void coordinator_look_for_stop(struct coordinator *coordinator);

/* Notes what was learned, for the runs after this one. */
void coordinator_remember(struct coordinator *coordinator);

/* The sentence of a launch that ends on request (ERR_STOPPED). */
void coordinator_say_stopped(const struct coordinator *coordinator, struct err *how);

/* Called after each step of the trunk. Proposals are taken in and a checkpoint that is due is
 * ordered here, unless the trunk rests at this step: then coordinator_act does both. */
int coordinator_trunk_stepped(struct coordinator *coordinator, struct err *err);

/* Does what can be done now in the present stage. Returns 1 if something was done, 0 if not, -1 on
 * error. */
int coordinator_act(struct coordinator *coordinator, struct err *err);

/* What people are told: why a source is left out of evaluation, if it is; what is read as what;
 * what of config.yaml means nothing any more; which `resume --set` has no effect, because
 * config.yaml has that value already. */
void coordinator_say_not_evaluated(struct coordinator *coordinator,
                                   const struct eval_source *source);
void coordinator_say_files(const struct coordinator *coordinator);
void coordinator_say_unseparated(const struct coordinator *coordinator);
void coordinator_say_amended(const struct coordinator *coordinator);
void coordinator_say_promoted(const struct coordinator *coordinator);
