#include "coordinator/proposals/intake.h"

#include "base/mem.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/proposals/curve.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/proposals/policy.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/train/trial.h"
#include "proto/schema/message.h"

#include <stdlib.h>

struct intake *intake_new(const struct context *context, struct campaign *campaign,
                          struct planner *planner, bool allow_noop, struct err *err)
{
    struct intake *h = mem_new(1, sizeof *h);
    *h = (struct intake){
        .context = *context, .campaign = campaign, .planner = planner, .allow_noop = allow_noop};
    h->curve = curve_new();
    h->owed = context->run->manifest && context->run->manifest->planner_owes;
    uint64_t step = 0;
    if (curve_read(h->curve, &step, context->run->folder, err) < 0 ||
        policy_read(&h->policy, context->run->config->experiment->policy, err) < 0) {
        intake_free(h);
        return NULL;
    }
    return h;
}

void intake_free(struct intake *h)
{
    if (!h)
        return;
    if (h->planner)
        h->planner->ops->free(h->planner);
    curve_free(h->curve);
    message_free(h->policy);
    free(h);
}

bool intake_awaits_planner(const struct intake *h)
{
    return h->asked || h->owed;
}

void intake_add_train(struct intake *h, const Trireme__TrainLine *line)
{
    curve_train(h->curve, line);
}

void intake_add_eval(struct intake *h, const Trireme__EvalLine *line)
{
    curve_eval(h->curve, line);
}

/* Queued proposals become hypotheses as long as there is room. */
static int register_queued(struct intake *h, uint64_t step, struct err *err)
{
    for (size_t i = 0; i < context_history(&h->context)->n; i++) {
        const struct entry *e = &context_history(&h->context)->entries[i];
        if (e->fate != FATE_QUEUED || !journal_may_register(h->context.journal, e->number, step))
            continue;
        if (campaign_open(h->campaign) >= h->context.run->config->experiment->forks)
            return 0;
        Trireme__Plan plan;
        struct err why = {0};
        int rc = proposal_check(h, e->proposal, step, &plan, &why) < 0
                     ? campaign_close(h->campaign, e->number, step, why.text, err)
                     : campaign_register(h->campaign, e->number, step, &plan, err);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* At the end of the run nothing can be tried any more. */
static int close_queued(struct intake *h, uint64_t step, struct err *err)
{
    for (size_t i = 0; i < context_history(&h->context)->n; i++) {
        const struct entry *e = &context_history(&h->context)->entries[i];
        if (entry_is_pending(e) &&
            campaign_close(h->campaign, e->number, step, "the run ended", err) < 0)
            return -1;
    }
    return 0;
}

/* Recorded inputs and what follows from them, in the order in which they stand. */
static int take_and_register(struct intake *h, uint64_t step, struct err *err)
{
    do {
        if (proposal_repeat_recorded(h, step, err) < 0 || register_queued(h, step, err) < 0)
            return -1;
    } while (journal_input(h->context.journal, step));
    return 0;
}

int intake_turn(struct intake *h, uint64_t step, bool last, struct err *err)
{
    if (last)
        return proposal_repeat_recorded(h, step, err) < 0 ? -1 : close_queued(h, step, err);
    if (take_and_register(h, step, err) < 0)
        return -1;
    bool free_hand = !journal_repeats(h->context.journal);
    if (free_hand && (people_read_inbox(h, step, err) < 0 ||
                      (h->planner && h->asked && planner_turn_poll(h, step, err) < 0)))
        return -1;
    // a launch that ended before the answer came had asked here, though forks of this step are
    // still to be lived through
    if (h->planner && !journal_repeats_after(h->context.journal, step) &&
        !planner_turn_answered(h, step)) {
        planner_turn_ask(h, step);
        // one that answers at once is heard at once
        if (h->asked && planner_turn_poll(h, step, err) < 0)
            return -1;
    }
    return register_queued(h, step, err);
}
