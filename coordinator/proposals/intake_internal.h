/* Shared by intake.c (the turn), proposal.c, people.c and planner_turn.c. For these files only. */
#pragma once
#include "coordinator/ledger/history.h"
#include "coordinator/proposals/briefing.h"
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
    unsigned n_refused;        /* requests whose refusal this launch wrote to the ledger */
    bool allow_noop, asked, gone;
    bool stop_asked;   /* by a person: the launch is to end */
    bool owed;         /* an answer to the launch before, which ended meanwhile */
    unsigned failures; /* answers in a row that could not even be written down, or none at all */
    double looked;     /* into the inbox */
    bool holds;        /* the trunk rests for the answer to what was asked at its step */
    double held_from;  /* clock_now() */
    double untold;     /* seconds held that no record tells of */
    bool no_memory;    /* of earlier runs could be read; the log says so */
};

/* Writes a sentence to the ledger and to the log. */
int proposal_log_event(struct intake *intake, uint64_t step, const char *by, const char *text,
                       struct err *err);

/* Checks whether a proposal is a change of the recipe in force that may be made. ERR_USAGE with the
 * reason if not. */
int proposal_check(const struct intake *intake, const Trireme__Proposal *proposal, struct err *err);

/* Takes a proposal in: writes it, and the result of the check, into the ledger. *answer, a fresh
 * message, is filled in for its proposer. An error is one of the ledger. */
int proposal_submit(struct intake *intake, const Trireme__Proposal *proposal, const char *by,
                    uint64_t step, Trireme__Answer *answer, struct err *err);

/* Fills in the answer to a proposal that is validated. */
void proposal_answer(const struct entry *entry, Trireme__Answer *answer);

/* Carries out a person's order about a proposal, or says in the answer why not. */
int proposal_order(struct intake *intake, Trireme__Order order, uint32_t number, const char *by,
                   uint64_t step, Trireme__Answer *answer, struct err *err);

/* Repeats the inputs that the ledger has recorded at this step. */
int proposal_repeat_recorded(struct intake *intake, uint64_t step, struct err *err);

/* Takes the requests in RUN/inbox. */
int people_read_inbox(struct intake *intake, uint64_t step, struct err *err);

/* planner_turn_ask asks the planner if its turn has come; planner_turn_poll takes its answer if it
 * is there; planner_turn_answered says whether it has answered at this step already (a launch that
 * continues here does not ask it twice). */
void planner_turn_ask(struct intake *intake, uint64_t step);
int planner_turn_poll(struct intake *intake, uint64_t step, struct err *err);
bool planner_turn_answered(const struct intake *intake, uint64_t step);

/* The trunk begins to rest for the answer, which is not there yet, if it is to; planner_turn_hold:
 * as intake_hold. */
void planner_turn_begin_hold(struct intake *intake);
int planner_turn_hold(struct intake *intake, uint64_t step, double *held, struct err *err);

/* As intake_next. */
uint64_t planner_turn_next(const struct intake *intake, uint64_t step);
