/* Shared by intake.c (the turn), proposal.c, proposal_inputs.c, deferred.c, queue.c, people.c and
 * planner_turn.c. For these files only. */
#pragma once
#include "coordinator/briefing/briefing.h"
#include "coordinator/ledger/history.h"
#include "coordinator/proposals/intake.h"

#include "files.pb-c.h"
#include "ledger.pb-c.h"
#include "planner.pb-c.h"

struct curve;
struct nonces;

struct intake {
    struct context context;
    struct campaign *campaign; /* borrowed */
    struct planner *planner;   /* or NULL */
    Trireme__Policy *policy;   /* or NULL */
    struct curve *curve;
    struct briefing_look look; /* when the planner was asked last; words NULL: not yet */
    Trireme__RunData *data;    /* RUN/data.yaml, once it is there; or NULL */
    struct nonces *nonces;     /* of requests that persons have sealed */
    unsigned n_refused;        /* refusals that this launch wrote to the ledger */
    bool allow_noop, asked, gone;
    bool stop_asked;   /* by a person: the launch is to end */
    bool owed;         /* an answer to the launch before, which ended meanwhile */
    unsigned failures; /* answers in a row that could not even be written down, or none at all */
    double next_look;  /* into the inbox, at the earliest; clock_now() */
    bool holds;        /* the trunk rests for the answer to what was asked at its step */
    bool said_holds;   /* people were told that it rests for a client */
    double held_from;  /* clock_now() */
    size_t held_n;     /* proposals in the ledger then */
    bool gave_up;      /* a client's language model did, since it was asked */
    unsigned n_calls;  /* of it that came by the inbox since then */
    double untold;     /* seconds held that no record tells of */
    bool no_memory;    /* of earlier runs could be read; the log says so */
};

/* Writes a sentence to the ledger and to the log. */
int proposal_log_event(struct intake *intake, uint64_t step, const char *by, const char *text,
                       struct err *err);

/* The same of a refusal, which must not fill the ledger: after 32 of one launch the log alone has
 * them. */
int proposal_log_refusal(struct intake *intake, uint64_t step, const char *by, const char *text,
                         struct err *err);

/* Checks whether a proposal is a change of the recipe in force that may be made. ERR_USAGE with the
 * reason if not. */
int proposal_check(const struct intake *intake, const Trireme__Proposal *proposal, struct err *err);

/* Checks in full whether a change may be tried now, beside the recipe in force: an entry's, or
 * (NULL) one that is not in the ledger. ERR_USAGE with the reason if not, and *cause, that in one
 * word. */
int proposal_validate(const struct intake *intake, const Trireme__Proposal *proposal,
                      const struct entry *entry, const char *by, uint64_t step,
                      Trireme__Cause *cause, struct err *err);

/* Takes a proposal in: writes it, and the result of the check, into the ledger. *answer, a fresh
 * message, is filled in for its proposer. An error is one of the ledger. */
int proposal_submit(struct intake *intake, const Trireme__Proposal *proposal, const char *by,
                    uint64_t step, Trireme__Answer *answer, struct err *err);

/* Fills in the answer to a proposal that is validated. */
void proposal_answer(const struct entry *entry, Trireme__Answer *answer);

/* Fills in any answer. The text is taken over. */
void proposal_answer_with(Trireme__Answer *answer, bool accepted, uint32_t number, char *text);

/* Carries out a person's order about a proposal, or says in the answer why not. */
int proposal_order(struct intake *intake, Trireme__Order order, uint32_t number, const char *by,
                   uint64_t step, Trireme__Answer *answer, struct err *err);

/* Repeats the inputs that the ledger has recorded at this step. */
int proposal_repeat_recorded(struct intake *intake, uint64_t step, struct err *err);

/* Checks what can be known of a change that waits for another proposal: whether it may be made now,
 * or after that one's adoption. ERR_USAGE with the reason if not. */
int deferred_check(const struct intake *intake, const Trireme__Proposal *proposal, struct err *err);

/* Queues the proposals that wait for nothing any more, if they are legal now; closes those that are
 * not, and those that waited in vain. Called where a turn begins and behind each input, at the same
 * places in a repetition; so all of it is in the ledger at the step at which what they waited for
 * was over. */
int deferred_release(struct intake *intake, uint64_t step, struct err *err);

/* Closes what an entry replaces, that is taken in now; the answer says so. Nothing is done where it
 * replaces none, or that one is over. */
int deferred_replace(struct intake *intake, const struct entry *entry, uint64_t step,
                     Trireme__Answer *answer, struct err *err);

/* Carries out an order of the queue, or says in the answer why not. */
int queue_order(struct intake *intake, const uint32_t *numbers, size_t n, const char *by,
                uint64_t step, Trireme__Answer *answer, struct err *err);

/* Takes requests in RUN/inbox: looks ten times a second, and takes for a look some milliseconds, or
 * as long as one request takes; where that ended it and all was accepted, the next step goes on.
 * After refusals it looks away for 49 times what they took, but for no more than a quarter of a
 * second. */
int people_read_inbox(struct intake *intake, uint64_t step, struct err *err);

/* planner_turn_ask asks the planner if its turn has come, and says whether; planner_turn_poll takes
 * its answer if it is there; planner_turn_answered says whether it has answered at this step
 * already (a launch that continues here does not ask it twice). */
bool planner_turn_ask(struct intake *intake, uint64_t step);
int planner_turn_poll(struct intake *intake, uint64_t step, struct err *err);
bool planner_turn_answered(const struct intake *intake, uint64_t step);

/* The trunk begins to rest for the answer, which is not there yet, if it is to; planner_turn_hold:
 * as intake_hold. */
void planner_turn_begin_hold(struct intake *intake, uint64_t step);
int planner_turn_hold(struct intake *intake, uint64_t step, double *held, struct err *err);

/* As intake_next. */
uint64_t planner_turn_next(const struct intake *intake, uint64_t step);
