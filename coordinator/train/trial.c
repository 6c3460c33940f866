#include "coordinator/train/trial.h"

#include "base/check.h"
#include "base/mem.h"
#include "coordinator/train/step_result.h"
#include "math/schedule.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include <stdlib.h>

uint32_t trial_leaves(const Trireme__Config *config)
{
    return config->train->batch / config->train->microbatch;
}

uint64_t trial_step_tokens(const Trireme__Config *config)
{
    return (uint64_t)config->train->batch * run_config_context(config);
}

struct trial *trial_new(uint32_t number, const char *name, Trireme__Config *config,
                        Trireme__Segment **segments, size_t n_segments, struct position base,
                        uint64_t step_tokens, size_t n_blocks)
{
    struct trial *t = mem_new(1, sizeof *t);
    t->number = number;
    t->name = mem_strdup(name);
    t->config = config;
    t->segments = segments, t->n_segments = n_segments;
    t->base = base;
    t->step = t->until = base.step;
    t->step_tokens = step_tokens;
    t->result = step_result_new(trial_leaves(config), n_blocks);
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

struct position trial_at(const struct trial *t, uint64_t step)
{
    uint64_t steps = step - t->base.step;
    return (struct position){.step = step,
                             .samples = t->base.samples + steps * t->config->train->batch,
                             .tokens = t->base.tokens + steps * trial_step_tokens(t->config)};
}

struct position trial_position(const struct trial *t)
{
    return trial_at(t, t->step);
}

uint64_t trial_last_step(const struct trial *t)
{
    uint64_t all = t->config->train->steps * t->step_tokens;
    return t->base.step +
           (all > t->base.tokens ? (all - t->base.tokens) / trial_step_tokens(t->config) : 0);
}

static double scheduled_lr(const struct trial *t, uint64_t step)
{
    struct schedule schedule = {.kind = (enum schedule_kind)t->config->schedule->kind,
                                .lr = t->config->optimizer->lr,
                                .min_lr = t->config->schedule->min_lr,
                                .warmup = t->config->schedule->warmup,
                                .steps = t->config->train->steps};
    return schedule_lr(&schedule, (double)trial_at(t, step).tokens / (double)t->step_tokens);
}

double trial_lr(const struct trial *t, uint64_t step)
{
    if (t->tail.steps && step >= t->tail.from)
        return t->tail.lr * (double)(t->tail.from + t->tail.steps - step) / (double)t->tail.steps;
    return scheduled_lr(t, step);
}

uint64_t trial_first_rest(const struct trial *t)
{
    return t->step + t->committing + t->leased;
}

bool trial_rests(const struct trial *t)
{
    return !t->leased && !t->committing && t->forking == 0;
}

bool trial_arrived(const struct trial *t)
{
    return trial_rests(t) && (t->diverged || t->refused || t->step >= t->until);
}

uint64_t trial_equal_steps(uint64_t steps, const Trireme__Config *trunk,
                           const Trireme__Config *fork)
{
    uint64_t tokens = steps * trial_step_tokens(trunk), own = trial_step_tokens(fork);
    ASSERT(tokens % own == 0);
    return tokens / own;
}
