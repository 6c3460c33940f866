#include "coordinator/proposals/intake.h"

#include "base/mem.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/inbox/nonces.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/patch/policy.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/train/trial.h"
#include "proto/schema/message.h"

#include <stdlib.h>

struct intake *intake_new(const struct context *context, struct campaign *campaign,
                          struct planner *planner, bool allow_noop, struct err *err)
{
    struct intake *intake = mem_new(1, sizeof *intake);
    *intake = (struct intake){
        .context = *context, .campaign = campaign, .planner = planner, .allow_noop = allow_noop};
    intake->curve = curve_new();
    intake->owed = context->run->manifest && context->run->manifest->planner_owes;
    uint64_t step = 0;
    if (!(intake->nonces = nonces_open(context->run->folder, err)) ||
        curve_read(intake->curve, &step, context->run->folder, err) < 0 ||
        policy_read(&intake->policy, context->run->config->experiment->policy, err) < 0) {
        intake_free(intake);
        return NULL;
    }
    return intake;
}

void intake_free(struct intake *intake)
{
    if (!intake)
        return;
    if (intake->planner)
        intake->planner->ops->free(intake->planner);
    nonces_free(intake->nonces);
    curve_free(intake->curve);
    briefing_look_clear(&intake->look);
    message_free(intake->data);
    message_free(intake->policy);
    free(intake);
}

bool intake_awaits_planner(const struct intake *intake)
{
    // a turn for which the trunk does not rest is an invitation, which ends with the launch
    const bool asked =
        intake->asked && (intake->holds || !intake->planner || !intake->planner->ops->done);
    return asked || intake->owed;
}

bool intake_stop_asked(const struct intake *intake)
{
    return intake->stop_asked;
}

void intake_add_train(struct intake *intake, const Trireme__TrainLine *line)
{
    curve_train(intake->curve, line);
}

void intake_add_eval(struct intake *intake, const Trireme__EvalLine *line)
{
    curve_eval(intake->curve, line);
}

/* Closes queued proposals that are no change of the recipe in force any more, where that changed at
 * this step. */
static int close_unfit(struct intake *intake, uint64_t step, struct err *err)
{
    const struct history *h = context_history(&intake->context);
    for (size_t i = 0; h->changed_at == step && step > 0 && i < h->n; i++) {
        const struct entry *e = &h->entries[i];
        struct err why = {0};
        if (e->fate == FATE_QUEUED && proposal_check(intake, e->proposal, &why) < 0 &&
            campaign_close(intake->campaign, e->number, step, TRIREME__CAUSE__unfit, why.text,
                           err) < 0)
            return -1;
    }
    return 0;
}

/* Closes what is pending: at the end of the run nothing can be tried any more. */
static int close_queued(struct intake *intake, uint64_t step, struct err *err)
{
    for (size_t i = 0; i < context_history(&intake->context)->n; i++) {
        const struct entry *e = &context_history(&intake->context)->entries[i];
        if (entry_is_pending(e) && campaign_close(intake->campaign, e->number, step,
                                                  TRIREME__CAUSE__time, "the run ended", err) < 0)
            return -1;
    }
    return 0;
}

int intake_hear(struct intake *intake, uint64_t step, struct err *err)
{
    // in the ledger, what was asked for then stands before what the stretch came to
    const Trireme__Record *next = journal_input(intake->context.journal, step);
    if (next && !journal_gives_up(next) && proposal_repeat_recorded(intake, step, err) < 0)
        return -1;
    return journal_repeats(intake->context.journal) ? 0 : people_read_inbox(intake, step, err);
}

int intake_turn(struct intake *intake, uint64_t step, bool last, struct err *err)
{
    if (last)
        return proposal_repeat_recorded(intake, step, err) < 0 ? -1
                                                               : close_queued(intake, step, err);
    if (close_unfit(intake, step, err) < 0 || deferred_release(intake, step, err) < 0 ||
        proposal_repeat_recorded(intake, step, err) < 0)
        return -1;
    bool free_hand = !journal_repeats(intake->context.journal);
    if (free_hand &&
        (people_read_inbox(intake, step, err) < 0 ||
         (intake->planner && intake->asked && planner_turn_poll(intake, step, err) < 0)))
        return -1;
    // A launch that ended before the answer came had asked here, even if forks of this step are
    // still to be repeated.
    if (intake->planner && !journal_repeats_after(intake->context.journal, step) &&
        !planner_turn_answered(intake, step)) {
        const bool asked = planner_turn_ask(intake, step);
        // An answer that is there at once is taken at once.
        if (intake->asked && planner_turn_poll(intake, step, err) < 0)
            return -1;
        if (asked)
            planner_turn_begin_hold(intake, step);
    }
    return 0;
}

uint64_t intake_next(const struct intake *intake, uint64_t step)
{
    return planner_turn_next(intake, step);
}

int intake_hold(struct intake *intake, uint64_t step, double *held, struct err *err)
{
    // a replay asks nobody, so it holds nothing
    if (intake->holds && !journal_repeats(intake->context.journal) &&
        people_read_inbox(intake, step, err) < 0)
        return -1;
    return planner_turn_hold(intake, step, held, err);
}
