/* What the files of the helm share: helm.c (the turn), helm_take.c, helm_people.c, helm_planner.c.
 * For them only. */
#pragma once
#include "coordinator/ledger/history.h"
#include "coordinator/proposals/intake.h"

#include "files.pb-c.h"
#include "ledger.pb-c.h"
#include "planner.pb-c.h"

struct curve;

struct helm {
    struct ground ground;
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
int helm_write_event(struct helm *helm, uint64_t step, const char *by, const char *text,
                     struct err *err);

/* Whether a proposal can become a hypothesis now; the plan is what it would be tried by. */
int helm_check(const struct helm *helm, const Trireme__Proposal *proposal, uint64_t step,
               Trireme__Plan *plan, struct err *err);

/* Takes a proposal: tells of it and of what the check says. *accepted and the reason are for who is
 * to be answered. */
int helm_take_proposal(struct helm *helm, const Trireme__Proposal *proposal, const char *by,
                       uint64_t step, bool *accepted, struct err *why, struct err *err);

/* Carries out a person's order about a proposal. why: one sentence about what was done, or why not.
 */
int helm_take_order(struct helm *helm, const char *order, uint32_t number, const char *by,
                    uint64_t step, bool *accepted, struct err *why, struct err *err);

/* Takes what the ledger says that came at this step, when it is lived through again. */
int helm_take_recorded(struct helm *helm, uint64_t step, struct err *err);

/* Takes what people ask for. */
int helm_read_inbox(struct helm *helm, uint64_t step, struct err *err);

/* The planner is asked, if its turn has come; its answer is taken, if it is there; whether it has
 * answered at this step already: a launch that goes on here does not ask it twice. */
void helm_ask_planner(struct helm *helm, uint64_t step);
int helm_poll_planner(struct helm *helm, uint64_t step, struct err *err);
bool helm_planner_answered(const struct helm *helm, uint64_t step);
