#include "coordinator/train/trial.h"

#include "base/check.h"
#include "base/mem.h"
#include "coordinator/train/step_result.h"
#include "math/schedule.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include <stdlib.h>

struct trial *trial_new(uint32_t number, const char *name, Trireme__Config *config,
                        Trireme__Segment **segments, size_t n_segments, struct position base,
                        uint64_t step_tokens, size_t n_blocks, int n_forking)
{
    struct trial *t = mem_new(1, sizeof *t);
    t->number = number;
    t->name = mem_strdup(name);
    t->config = config;
    t->segments = segments, t->n_segments = n_segments;
    t->base = base;
    t->step = t->until = base.step;
    t->step_tokens = step_tokens;
    t->state = n_forking ? TRIAL_FORKING : TRIAL_OPEN;
    t->n_forking = n_forking;
    t->result = step_result_new(run_config_leaves(config), n_blocks);
    return t;
}

void trial_free(struct trial *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_segments; i++)
        message_free(t->segments[i]);
    free(t->segments);
    message_free(t->config);
    step_result_free(t->result);
    free(t->refused);
    free(t->name);
    free(t);
}

/* The table of the header. */
static void enter(struct trial *t, enum trial_state state)
{
    static const bool leads[][TRIAL_STOPPED + 1] = {
        [TRIAL_FORKING] = {[TRIAL_OPEN] = true,     [TRIAL_REFUSED] = true, [TRIAL_STOPPED] = true},
        [TRIAL_OPEN] = {[TRIAL_DIVERGED] = true, [TRIAL_STOPPED] = true},
        [TRIAL_REFUSED] = {[TRIAL_STOPPED] = true},
        [TRIAL_DIVERGED] = {[TRIAL_STOPPED] = true                      },
        [TRIAL_STOPPED] = {false                      },
    };
    ASSERT(leads[t->state][state]);
    t->state = state;
}

void trial_forked(struct trial *t, uint64_t bytes, const char *refused, bool differs)
{
    ASSERT(t->n_forking > 0);
    t->n_forking--;
    t->bytes += bytes;
    if (refused && !t->refused) {
        t->refused = mem_strdup(refused);
        t->differs = differs;
    }
    if (t->n_forking == 0 && t->state == TRIAL_FORKING)
        enter(t, t->refused ? TRIAL_REFUSED : TRIAL_OPEN);
}

void trial_run_until(struct trial *t, uint64_t step)
{
    if (t->state != TRIAL_STOPPED)
        t->until = step;
}

void trial_rest(struct trial *t)
{
    uint64_t first = trial_first_rest(t);
    t->until = first < t->until ? first : t->until;
}

void trial_diverge(struct trial *t)
{
    if (t->state == TRIAL_OPEN) // one that is stopped takes no more steps in any case
        enter(t, TRIAL_DIVERGED);
}

void trial_stop(struct trial *t)
{
    if (t->state != TRIAL_STOPPED)
        enter(t, TRIAL_STOPPED);
    t->until = 0;
}

void trial_hold(struct trial *t)
{
    ASSERT(!t->held);
    t->held = true;
}

void trial_release(struct trial *t)
{
    t->held = false;
}

void trial_rename(struct trial *t, const char *name)
{
    char *copy = mem_strdup(name);
    free(t->name);
    t->name = copy;
}

void trial_begin_tail(struct trial *t, struct tail tail)
{
    t->tail = tail;
    trial_run_until(t, tail.from + tail.steps);
}

bool trial_may_lease(const struct trial *t)
{
    return t->state == TRIAL_OPEN && !t->leased && t->step + t->committing < t->until;
}

void trial_lease(struct trial *t, double now)
{
    step_result_begin(t->result);
    t->leased = true;
    t->step_began = now;
}

int trial_decide(struct trial *t, Trireme__StepDecision *decision, int n_servers, struct err *err)
{
    double loss = step_result_loss(t->result) / (double)run_config_step_tokens(t->config);
    t->leased = false;
    if (step_result_decide(decision, &t->line, t->config, t->step, trial_lr(t, t->step), loss,
                           step_result_norm(t->result), err) < 0)
        return -1;
    decision->trial = t->number;
    t->line.trial = t->name;
    t->line.seconds = t->step_began;
    t->committing = true;
    t->n_uncommitted = n_servers;
    return 0;
}

bool trial_committed(struct trial *t, double now)
{
    if (--t->n_uncommitted > 0)
        return false;
    t->line.has_seconds = 1, t->line.seconds = now - t->line.seconds;
    t->line.has_tok_per_s = 1, t->line.tok_per_s = (double)t->line.tokens / t->line.seconds;
    t->step_began = now; // the next step's, where it is leased already
    t->committing = false;
    t->step++;
    return true;
}

void trial_note_held(struct trial *t, double seconds)
{
    t->line.has_held_seconds = true, t->line.held_seconds = seconds;
}

struct position trial_at(const struct trial *t, uint64_t step)
{
    uint64_t steps = step - t->base.step;
    return (struct position){.step = step,
                             .samples = t->base.samples + steps * t->config->train->batch,
                             .tokens = t->base.tokens + steps * run_config_step_tokens(t->config)};
}

struct position trial_position(const struct trial *t)
{
    return trial_at(t, t->step);
}

void trial_plan(struct trial *t, uint64_t tokens)
{
    t->planned = tokens;
}

uint64_t trial_all_tokens(const struct trial *t)
{
    return t->planned ? t->planned : t->config->train->steps * t->step_tokens;
}

uint64_t trial_last_step(const struct trial *t)
{
    uint64_t all = trial_all_tokens(t);
    return t->base.step +
           (all > t->base.tokens ? (all - t->base.tokens) / run_config_step_tokens(t->config) : 0);
}

double trial_scheduled_lr(const Trireme__Config *config, uint64_t tokens, uint64_t all,
                          uint64_t step_tokens)
{
    struct schedule schedule = {.kind = (enum schedule_kind)config->schedule->kind,
                                .lr = config->optimizer->lr,
                                .min_lr = config->schedule->min_lr,
                                .warmup = config->schedule->warmup,
                                .steps = (double)all / (double)step_tokens};
    return schedule_lr(&schedule, (double)tokens / (double)step_tokens);
}

double trial_lr(const struct trial *t, uint64_t step)
{
    if (t->tail.steps && step >= t->tail.from)
        return t->tail.lr * (double)(t->tail.from + t->tail.steps - step) / (double)t->tail.steps;
    return trial_scheduled_lr(t->config, trial_at(t, step).tokens, trial_all_tokens(t),
                              t->step_tokens);
}

uint64_t trial_first_rest(const struct trial *t)
{
    return t->step + t->committing + t->leased;
}

bool trial_rests(const struct trial *t)
{
    return !t->leased && !t->committing && t->n_forking == 0;
}

bool trial_arrived(const struct trial *t)
{
    return trial_rests(t) && (t->state != TRIAL_OPEN || t->step >= t->until);
}

uint64_t trial_equal_steps(uint64_t steps, const Trireme__Config *trunk,
                           const Trireme__Config *fork)
{
    uint64_t tokens = steps * run_config_step_tokens(trunk), own = run_config_step_tokens(fork);
    ASSERT(tokens % own == 0);
    return tokens / own;
}
