/* The planner's turn: when it is asked, and what is done with its answer. */
#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/briefing/briefing.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/memory/known.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/proposals/model_calls.h"
#include "coordinator/proposals/note.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/proposals/recall.h"
#include "coordinator/run/metrics.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/run/run_data.h"
#include "coordinator/train/trial.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ASK_EVERY = 20, /* it is asked at multiples of so many steps, */
    ASK_DOUBLINGS_MAX =
        6, /* and of twice as many for each answer in a row of which nothing was legal */
    PROPOSALS_MAX = 8, /* of one answer that are looked at, beyond those that there is room for */
    NOTES_MAX = 8,     /* of one answer that are looked at */
    TELL_HELD = 10     /* seconds of rest after which the ledger says so, whatever was answered */
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

static int take_notes(struct intake *intake, const Trireme__Proposals *answer, const char *by,
                      uint64_t step, struct err *err)
{
    for (size_t i = 0; i < answer->n_notes && i < NOTES_MAX; i++) {
        Trireme__Answer *told = message_new(&trireme__answer__descriptor); // the log has a refusal
        int rc = note_submit(intake, answer->notes[i], by, step, told, err);
        message_free(told);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int take_answer(struct intake *intake, const Trireme__Proposals *answer, const char *by,
                       uint64_t step, struct err *err)
{
    const size_t before = context_history(&intake->context)->n;
    if (model_calls_write(intake, answer->calls, answer->n_calls, answer->gave_up, by, step, err) <
        0)
        return -1;
    size_t max = room(intake) + PROPOSALS_MAX,
           n = answer->n_proposals < max ? answer->n_proposals : max;
    for (size_t i = 0; i < n; i++) {
        Trireme__Answer *told = message_new(&trireme__answer__descriptor); // in the next briefing
        int rc = proposal_submit(intake, answer->proposals[i], by, step, told, err);
        message_free(told);
        if (rc < 0)
            return -1;
    }
    // what a client has proposed came before it was done
    const bool gave_up = answer->gave_up || (intake->gave_up && before == intake->held_n);
    const bool fruitless = n ? context_history(&intake->context)->n == before : gave_up;
    intake->failures = fruitless ? intake->failures + 1 : 0;
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
        if (rc == 0)
            rc = take_notes(intake, answer, by, step, err);
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

/* What the planner is given: cut to its size where it leaves the process. */
static Trireme__Briefing *make_briefing(struct intake *intake, uint64_t step)
{
    const struct run *run = intake->context.run;
    const Trireme__Config *config = context_config(&intake->context);
    const struct trial *trunk = context_trunk(&intake->context);
    double *epochs = mem_new(config->data->n_sources, sizeof *epochs);
    struct known known;
    struct err unread;
    recall_known(&known, intake);
    if (!intake->data) // it is written beside the training
        run_data_read(&intake->data, run->folder, &unread);
    briefing_epochs(epochs, config, trunk->segments, trunk->n_segments,
                    trial_position(trunk).samples, intake->data);
    const struct briefing_input input = {.config = config,
                                         .asked = run->config,
                                         .policy = intake->policy,
                                         .history = context_history(&intake->context),
                                         .curve = intake->curve,
                                         .step = step,
                                         .room = room(intake),
                                         .windows_max = campaign_windows_max(intake->campaign),
                                         .goal = run_gate_weights(run),
                                         .epochs = epochs,
                                         .since = intake->look,
                                         .known = known.list,
                                         .n_known = known.n};
    Trireme__Briefing *briefing = briefing_make(&input);
    const Trireme__Experiment *e = run->config->experiment;
    if (e->planner == TRIREME__EXPERIMENT__PLANNER__script ||
        e->planner == TRIREME__EXPERIMENT__PLANNER__llm)
        briefing_cut(briefing, e->briefing, e->planner == TRIREME__EXPERIMENT__PLANNER__llm);
    briefing_look_clear(&intake->look);
    intake->look = briefing_look_at(input.history, step);
    known_clear(&known);
    free(epochs);
    return briefing;
}

bool planner_turn_ask(struct intake *intake, uint64_t step)
{
    struct err why = {0};
    const uint64_t first = campaign_first(intake->campaign);
    const bool busy = intake->asked && !intake->planner->ops->done;
    if (busy || intake->gone || (!intake->owed && !is_its_turn(intake, step)) ||
        step + ASK_EVERY < first || room(intake) == 0 || campaign_off(intake->campaign) ||
        campaign_check(intake->campaign, step, context_config(&intake->context), false, &why) < 0)
        return false;
    Trireme__Briefing *briefing = make_briefing(intake, step);
    intake->planner->ops->ask(intake->planner, briefing);
    message_free(briefing);
    intake->asked = true;
    intake->owed = intake->gave_up = false;
    intake->n_calls = 0;
    return true;
}

uint64_t planner_turn_next(const struct intake *intake, uint64_t step)
{
    const bool waits = intake->planner && !intake->gone &&
                       intake->context.run->config->experiment->hold > 0 &&
                       !campaign_off(intake->campaign);
    return waits ? (step / ASK_EVERY + 1) * ASK_EVERY : UINT64_MAX;
}

void planner_turn_begin_hold(struct intake *intake, uint64_t step)
{
    const double hold = intake->context.run->config->experiment->hold;
    intake->holds = intake->asked && hold > 0;
    intake->held_from = clock_now();
    intake->held_n = context_history(&intake->context)->n;
    if (!intake->holds || !intake->planner->ops->done || intake->said_holds)
        return;
    intake->said_holds = true;
    progress_say(intake->context.progress,
                 "note: step %llu is the planner's turn: the training rests up to %g s, here and "
                 "at each further one, until a client is done (trireme mcp %s --role propose)",
                 (unsigned long long)step, hold, intake->context.run->folder);
}

/* Writes how long the trunk rested since this was last written. */
static int tell_held(struct intake *intake, uint64_t step, struct err *err)
{
    const char *by = intake->planner->ops->name;
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.has_held_seconds = true, record.held_seconds = intake->untold;
    record.text = mem_format("the training rested %.3g s for the planner's answer", intake->untold);
    progress_log(intake->context.progress, "%s: %s", by, record.text);
    intake->untold = 0;
    int rc = journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__event, 0, step,
                           by, err);
    free(record.text);
    return rc;
}

int planner_turn_hold(struct intake *intake, uint64_t step, double *held, struct err *err)
{
    if (!intake->holds)
        return 1;
    if (planner_turn_poll(intake, step, err) < 0)
        return -1;
    const double now = clock_now(), seconds = now - intake->held_from;
    const bool late = seconds >= intake->context.run->config->experiment->hold;
    if (intake->asked && !late)
        return 0;
    intake->holds = false;
    *held += seconds;
    intake->untold += seconds;
    const bool came = context_history(&intake->context)->n > intake->held_n,
               tells = intake->asked || came || intake->untold >= TELL_HELD;
    if (intake->asked && !came && intake->planner->ops->done)
        intake->failures++; // perhaps it is gone: it keeps its turn, without a rest
    return tells && tell_held(intake, step, err) < 0 ? -1 : 1;
}

bool planner_turn_answered(const struct intake *intake, uint64_t step)
{
    for (size_t i = context_history(&intake->context)->n;
         i-- > 0 && context_history(&intake->context)->entries[i].step == step;)
        if (actor_is_named(context_history(&intake->context)->entries[i].by,
                           intake->planner->ops->name))
            return true;
    const struct history *h = context_history(&intake->context);
    for (size_t i = h->n_notes; i-- > 0 && h->notes[i].step == step;)
        if (actor_is_named(h->notes[i].by, intake->planner->ops->name))
            return true;
    return false;
}
