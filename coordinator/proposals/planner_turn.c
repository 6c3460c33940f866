/* The planner's turn: when it is asked, and what is done with its answer. */
#include "base/mem.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/proposals/briefing.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/run/metrics.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ASK_EVERY = 20, /* it is asked at multiples of so many steps, */
    ASK_DOUBLINGS_MAX =
        6,            /* and of twice as many for each answer in a row of which nothing was legal */
    PROPOSALS_MAX = 8 /* of one answer that are looked at, beyond those that there is room for */
};

/* Number of further proposals of a planner for which there is room. In observe mode it is no larger
 * than the number that could be tried. */
static uint32_t room(const struct intake *intake)
{
    const Trireme__Config *config = intake->context.run->config;
    uint32_t observed = 0;
    for (size_t i = 0; i < context_history(&intake->context)->n; i++)
        observed += context_history(&intake->context)->entries[i].fate == FATE_OBSERVED;
    return observed < config->gate->hypotheses
               ? history_room(context_history(&intake->context), config->experiment->forks)
               : 0;
}

/* The planner as `by` says it; the caller's. */
static char *by_of(const struct planner *planner)
{
    const struct actor actor = {.name = planner->ops->name,
                                .uid = (uint32_t)geteuid(),
                                .pid = planner->pid ? planner->pid : (uint32_t)getpid()};
    return actor_write(&actor);
}

static int take_answer(struct intake *intake, const Trireme__Proposals *answer, const char *by,
                       uint64_t step, struct err *err)
{
    const size_t before = context_history(&intake->context)->n;
    size_t max = room(intake) + PROPOSALS_MAX,
           n = answer->n_proposals < max ? answer->n_proposals : max;
    for (size_t i = 0; i < n; i++) {
        Trireme__Answer *told = message_new(&trireme__answer__descriptor); // in the next briefing
        int rc = proposal_submit(intake, answer->proposals[i], by, step, told, err);
        message_free(told);
        if (rc < 0)
            return -1;
    }
    intake->failures =
        n && context_history(&intake->context)->n == before ? intake->failures + 1 : 0;
    if (n == answer->n_proposals)
        return 0;
    char *text =
        mem_format("%zu proposals came at once: those after the first %zu were not looked at",
                   answer->n_proposals, n);
    int rc = proposal_log_event(intake, step, by, text, err);
    free(text);
    return rc;
}

int planner_turn_poll(struct intake *intake, uint64_t step, struct err *err)
{
    Trireme__Proposals *answer = NULL;
    struct err why = {0};
    enum planner_answer kind = intake->planner->ops->poll(intake->planner, &answer, &why);
    if (kind == PLANNER_NOTHING)
        return 0;
    intake->asked = false;
    char *by = by_of(intake->planner);
    int rc = 0;
    if (kind == PLANNER_PROPOSALS) {
        rc = take_answer(intake, answer, by, step, err);
        message_free(answer);
    } else {
        intake->failures++;
        intake->gone = kind == PLANNER_GONE;
        if (intake->gone) {
            progress_say(intake->context.progress, "note: %s", why.text);
            rc = metrics_event(intake->context.metrics, step, why.text, err);
        }
        if (rc == 0)
            rc = proposal_log_event(intake, step, by, why.text, err);
    }
    free(by);
    return rc;
}

/* Whether it is the planner's turn: a function of the step and of the proposals in the ledger, so
 * that a launch that continues asks at the same steps (but for failures of the launch before). */
static bool is_its_turn(const struct intake *intake, uint64_t step)
{
    unsigned fruitless = intake->failures;
    uint64_t last = UINT64_MAX; // proposals of one answer have one step
    for (size_t i = context_history(&intake->context)->n;
         i-- > 0 && context_history(&intake->context)->entries[i].fate == FATE_REFUSED;) {
        const struct entry *e = &context_history(&intake->context)->entries[i];
        if (!actor_is_named(e->by, intake->planner->ops->name) || e->step == last)
            continue;
        fruitless++;
        last = e->step;
    }
    fruitless = fruitless < ASK_DOUBLINGS_MAX ? fruitless : ASK_DOUBLINGS_MAX;
    return step % ((uint64_t)ASK_EVERY << fruitless) == 0;
}

void planner_turn_ask(struct intake *intake, uint64_t step)
{
    const Trireme__Config *config = intake->context.run->config;
    struct err why = {0};
    const uint64_t first = campaign_first(intake->campaign);
    if (intake->asked || intake->gone || (!intake->owed && !is_its_turn(intake, step)) ||
        step + ASK_EVERY < first || room(intake) == 0 || campaign_off(intake->campaign) ||
        campaign_check(intake->campaign, step, context_config(&intake->context), false, &why) < 0)
        return;
    struct briefing_input input = {.config = context_config(&intake->context),
                                   .asked = config,
                                   .policy = intake->policy,
                                   .history = context_history(&intake->context),
                                   .curve = intake->curve,
                                   .step = step,
                                   .room = room(intake)};
    Trireme__Briefing *briefing = briefing_make(&input);
    intake->planner->ops->ask(intake->planner, briefing);
    message_free(briefing);
    intake->asked = true;
    intake->owed = false;
}

bool planner_turn_answered(const struct intake *intake, uint64_t step)
{
    for (size_t i = context_history(&intake->context)->n;
         i-- > 0 && context_history(&intake->context)->entries[i].step == step;)
        if (actor_is_named(context_history(&intake->context)->entries[i].by,
                           intake->planner->ops->name))
            return true;
    return false;
}
