#include "coordinator/coordinator_internal.h"

#include "base/clock.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/memory/remember.h"
#include "coordinator/proposals/intake.h"
#include "coordinator/run/metrics.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/train/checkpointer.h"
#include "coordinator/train/evaluator.h"
#include "coordinator/train/liveness.h"
#include "proto/net/endpoint.h"
#include "proto/schema/message.h"

#include "control.pb-c.h"

enum { PINS_MAX = 1024 };

bool coordinator_is_last(const struct coordinator *c, uint64_t step)
{
    return step >= trial_last_step(c->trunk);
}

static bool is_due(const struct coordinator *c, uint64_t every, uint64_t step)
{
    return every && (step % every == 0 || coordinator_is_last(c, step));
}

bool coordinator_eval_due(const struct coordinator *c, uint64_t step)
{
    return c->evaluation && is_due(c, c->config->eval->every, step);
}

/* The next step at which the trunk must rest. A checkpoint alone needs no rest: servers get the
 * order to save before the gradients of the next step. */
static uint64_t next_rest(const struct coordinator *c)
{
    uint64_t step = c->trunk->step, next = trial_last_step(c->trunk),
             every = c->config->eval->every;
    if (c->evaluation && every && (step / every + 1) * every < next)
        next = (step / every + 1) * every;
    const uint64_t campaign = campaign_next(c->campaign, step), turn = intake_next(c->intake, step);
    next = campaign < next ? campaign : next;
    return turn < next ? turn : next;
}

/* Fills in what a manifest says of any trial that rests. */
static void describe(Trireme__Manifest *what, const struct trial *trial)
{
    struct position at = trial_position(trial);
    trireme__manifest__init(what);
    what->has_step = 1, what->step = at.step;
    what->has_samples = 1, what->samples = at.samples;
    what->has_tokens = 1, what->tokens = at.tokens;
    what->has_step_tokens = 1, what->step_tokens = trial->step_tokens;
    what->has_planned_tokens = 1, what->planned_tokens = trial_all_tokens(trial);
    what->config = trial->config;
    what->segments = trial->segments, what->n_segments = trial->n_segments;
}

/* Orders the servers to write a trial's shards. Fails if folder is NULL (then *err is set). */
static int order_save(struct coordinator *c, const struct trial *trial, const char *folder)
{
    if (!folder)
        return -1;
    Trireme__Save order = TRIREME__SAVE__INIT;
    order.trial = trial->number;
    order.step = trial->step;
    order.folder = (char *)folder;
    for (int s = 1; s < c->first_worker; s++) {
        endpoint_send(c->endpoint, s, TAG_SAVE, &order);
        liveness_await(c->liveness, s, AWAIT_SHARD, clock_now());
    }
    return 0;
}

/* Orders the servers to save the trunk after its newest update. */
static int save(struct coordinator *c, struct err *err)
{
    char head[LEDGER_HEAD_SIZE];
    uint64_t pins[PINS_MAX];
    size_t n_pins = campaign_pins(c->campaign, pins, PINS_MAX);
    Trireme__Manifest what;
    describe(&what, c->trunk);
    what.asked = c->run->config;
    what.promoted = campaign_promoted(c->campaign, &what.n_promoted);
    what.has_ledger_records = 1, what.ledger_records = journal_known(c->journal, head);
    what.ledger_head = head;
    what.has_unfinished = what.unfinished = c->unfinished;
    what.has_planner_owes = 1, what.planner_owes = intake_awaits_planner(c->intake);
    c->saved = c->trunk->step;
    return order_save(c, c->trunk,
                      checkpointer_begin(c->checkpointer, &what, pins,
                                         n_pins < PINS_MAX ? n_pins : PINS_MAX, err));
}

/* Orders the servers to save a fork or tail beside the trunk's checkpoint. */
static int suspend(struct coordinator *c, const struct trial *trial, Trireme__EarlyStop *early_stop,
                   struct err *err)
{
    Trireme__Manifest what;
    describe(&what, trial);
    what.peeks = early_stop;
    return order_save(c, trial, checkpointer_suspend(c->checkpointer, &what, trial->name, err));
}

int coordinator_trunk_stepped(struct coordinator *c, struct err *err)
{
    progress_train(c->progress, &c->trunk->line, trial_position(c->trunk).tokens,
                   trial_all_tokens(c->trunk), trials_forks(c->trials));
    intake_add_train(c->intake, &c->trunk->line);
    if (coordinator_stop_asked(c))
        trial_rest(c->trunk);
    if (c->trunk->step >= c->trunk->until)
        return 0;
    if (intake_turn(c->intake, c->trunk->step, false, err) < 0)
        return -1;
    uint64_t next = next_rest(c);
    if (next < c->trunk->until)
        trial_run_until(c->trunk, next);
    return is_due(c, c->config->checkpoint->every, c->trunk->step) ? save(c, err) : 0;
}

void coordinator_remember(struct coordinator *c)
{
    struct err why = {0};
    // what is not repeated yet may be superseded
    if (!c->remember || journal_repeats(c->journal) ||
        remember_turn(c->remember, journal_ledger(c->journal), &why) == 0)
        return;
    if (!c->remembering_failed)
        progress_log(c->progress, "note: what was learned is not noted yet: %s", why.text);
    c->remembering_failed = true;
}

static int begin_evaluation(struct coordinator *c)
{
    const uint64_t step = c->trunk->step;
    c->stage = STAGE_EVALUATE;
    // At the first step an earlier launch has done it.
    c->evaluating = !c->diverged.code && coordinator_eval_due(c, step) &&
                    (step != c->run->step || c->owes_eval);
    if (c->evaluating && !coordinator_stops(c))
        evaluator_begin(c->evaluator, c->evaluation, c->roster.n_sources, c->trunk,
                        &(struct window_set){0});
    return 1;
}

static int evaluate(struct coordinator *c, struct err *err)
{
    if (c->evaluating && coordinator_stops(c)) {
        c->unfinished = true;
        progress_say(c->progress,
                     "note: the evaluation of step %llu is left to the launch that "
                     "goes on",
                     (unsigned long long)c->trunk->step);
        c->evaluating = false;
    }
    if (evaluator_busy(c->evaluator))
        return 0;
    c->stage = STAGE_JUDGE;
    if (!c->evaluating)
        return 1;
    c->owes_eval = false;
    Trireme__EvalLine *line = evaluation_line(c->evaluation, c->trunk->step);
    int rc = metrics_write(c->metrics, line, err);
    if (rc == 0) {
        progress_eval(c->progress, line);
        intake_add_eval(c->intake, line);
    }
    message_free(line);
    return rc < 0 ? -1 : 1;
}

/* Whether the run ends here, with all that is due at its last step. */
static bool ends_run(const struct coordinator *c)
{
    return coordinator_is_last(c, c->trunk->step) && !c->unfinished;
}

/* Carries out what people order while forks of the stretch that ends here arrive, or tails run:
 * before these decide. */
static int hear(struct coordinator *c, uint64_t step, struct err *err)
{
    return campaign_behind(c->campaign, step) && !campaign_promotes(c->campaign)
               ? intake_hear(c->intake, step, err)
               : 0;
}

/* The trunk has diverged: the run goes on with the fork that takes its place, or not at all. Asked
 * to stop, the launch ends with the checkpoint that it has: there is none of such a trunk. */
static int judge_outlived(struct coordinator *c, struct err *err)
{
    const struct trial *before = c->trunk;
    const uint64_t step = c->outlived_at;
    if (coordinator_stops(c) && !campaign_promotes(c->campaign)) {
        c->stage = STAGE_FINISH;
        return 1;
    }
    int rc = hear(c, step, err);
    rc = rc < 0 ? rc : campaign_judge(c->campaign, step, err);
    if (rc <= 0)
        return rc;
    if (c->trunk == before) {
        *err = c->diverged;
        return -1;
    }
    c->diverged = (struct err){0};
    c->saved = 0;
    c->stage = STAGE_SAVE;
    return intake_turn(c->intake, step, false, err) < 0 ? -1 : 1;
}

/* Ends the stretch that ends here, then takes proposals in. A request to stop does not wait for
 * its arms: whoever continues goes on with them. */
static int judge(struct coordinator *c, struct err *err)
{
    const struct trial *before = c->trunk;
    const uint64_t step = c->trunk->step;
    if (coordinator_stops(c) && campaign_behind(c->campaign, step) &&
        !campaign_promotes(c->campaign))
        c->unfinished = true;
    const bool last = ends_run(c), waits = !c->stopping || last || campaign_promotes(c->campaign);
    if (waits && hear(c, step, err) < 0)
        return -1;
    int rc = waits ? campaign_judge(c->campaign, step, err) : 1;
    if (rc <= 0)
        return rc;
    c->stage = STAGE_HOLD;
    if (c->trunk != before)
        c->saved = 0; // a checkpoint of this step that an earlier launch left is not of this trunk
    if (waits && intake_turn(c->intake, step, last, err) < 0)
        return -1;
    coordinator_remember(c);
    return 1;
}

/* Waits for the planner, if it was asked here and the trunk is to rest until it has answered. */
static int hold(struct coordinator *c, struct err *err)
{
    const int over =
        coordinator_stops(c) ? 1 : intake_hold(c->intake, c->trunk->step, &c->held_seconds, err);
    if (over > 0)
        c->stage = STAGE_SAVE;
    return over;
}

static int save_or_not(struct coordinator *c, struct err *err)
{
    const uint64_t step = c->trunk->step;
    const bool last = ends_run(c), ends = last || c->stopping;
    c->stopping = c->stopping && !last;
    if (last &&
        journal_diverge(c->journal, step, "the run ended before what the ledger tells of", err) < 0)
        return -1;
    c->stage = last ? STAGE_FINISH : c->stopping ? STAGE_SUSPEND : STAGE_FORK;
    bool due =
        ends || is_due(c, c->config->checkpoint->every, step) || campaign_saves(c->campaign, step);
    bool saves = c->saves_anew || (due && c->saved != step);
    c->saves_anew = false;
    return saves && save(c, err) < 0 ? -1 : 1;
}

static int fork_or_not(struct coordinator *c, struct err *err)
{
    int rc = campaign_fork(c->campaign, c->trunk->step, err);
    if (rc <= 0)
        return rc;
    c->stage = STAGE_TRAIN;
    trial_run_until(c->trunk, next_rest(c));
    return 1;
}

/* Lets forks and tails come to rest, and suspends one after the other once the trunk's checkpoint
 * is complete. */
static int suspend_or_not(struct coordinator *c, struct err *err)
{
    if (!trials_halt(c->trials) || checkpointer_busy(c->checkpointer))
        return 0;
    Trireme__EarlyStop early_stop;
    const struct trial *trial = campaign_line(c->campaign, c->n_suspended++, &early_stop);
    if (trial)
        return suspend(c, trial, &early_stop, err) < 0 ? -1 : 1;
    c->stage = STAGE_FINISH;
    return 1;
}

int coordinator_act(struct coordinator *c, struct err *err)
{
    switch (c->stage) {
    case STAGE_TRAIN:
        if (coordinator_stops(c))
            trial_rest(c->trunk);
        return trial_arrived(c->trunk) && !evaluator_busy(c->evaluator) ? begin_evaluation(c) : 0;
    case STAGE_EVALUATE:
        return evaluate(c, err);
    case STAGE_JUDGE:
        return c->diverged.code ? judge_outlived(c, err) : judge(c, err);
    case STAGE_HOLD:
        return hold(c, err);
    case STAGE_SAVE:
        return save_or_not(c, err);
    case STAGE_FORK:
        return fork_or_not(c, err);
    case STAGE_SUSPEND:
        return suspend_or_not(c, err);
    case STAGE_READY:
        if (coordinator_stops(c)) // nothing has begun, so nothing is to be kept
            c->stage = STAGE_FINISH;
        return c->stopping;
    case STAGE_FINISH:
        break;
    }
    return 0;
}
