/* What the files of the intake share: intake.c (the turn), proposal.c, people.c, planner_turn.c.
 * For them only. */
#pragma once
#include "coordinator/ledger/history.h"
#include "coordinator/proposals/intake.h"

#include "files.pb-c.h"
#include "ledger.pb-c.h"
#include "planner.pb-c.h"

struct curve;

struct intake {
    struct context context;
    struct campaign *campaign; /* borrowed */
    struct planner *planner;   /* or NULL */
    Trireme__Policy *policy;   /* or NULL */
    struct curve *curve;
    bool allow_noop, asked, gone;
    bool owed;         /* an answer to the launch before, which ended meanwhile */
    unsigned failures; /* answers in a row that could not even be written down, or none at all */
    double looked;     /* into the inbox */
};

/* Tells the ledger, and the log, of a sentence. */
int proposal_log_event(struct intake *intake, uint64_t step, const char *by, const char *text,
                       struct err *err);

/* Whether a proposal can become a hypothesis now; the plan is what it would be tried by. */
int proposal_check(const struct intake *intake, const Trireme__Proposal *proposal, uint64_t step,
                   Trireme__Plan *plan, struct err *err);

/* Takes a proposal in: writes it and what the check says into the ledger. *answer, a fresh message,
 * is filled in for whoever proposed it. An error is the ledger's. */
int proposal_submit(struct intake *intake, const Trireme__Proposal *proposal, const char *by,
                    uint64_t step, Trireme__Answer *answer, struct err *err);

/* What whoever made a proposal is told of it, once it is validated. */
void proposal_answer(const struct entry *entry, Trireme__Answer *answer);

/* Carries out a person's order about a proposal, or refuses it in the answer. */
int proposal_order(struct intake *intake, Trireme__Order order, uint32_t number, const char *by,
                   uint64_t step, Trireme__Answer *answer, struct err *err);

/* Takes what the ledger says that came at this step, when it is lived through again. */
int proposal_repeat_recorded(struct intake *intake, uint64_t step, struct err *err);

/* Takes what people ask for. */
int people_read_inbox(struct intake *intake, uint64_t step, struct err *err);

/* The planner is asked, if its turn has come; its answer is taken, if it is there; whether it has
 * answered at this step already: a launch that goes on here does not ask it twice. */
void planner_turn_ask(struct intake *intake, uint64_t step);
int planner_turn_poll(struct intake *intake, uint64_t step, struct err *err);
bool planner_turn_answered(const struct intake *intake, uint64_t step);
