#include "coordinator/campaign/early_stop.h"

#include "base/mem.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/gate/gate_windows.h"
#include "coordinator/run/run.h"
#include "coordinator/train/context.h"
#include "coordinator/train/evaluator.h"
#include "coordinator/train/roster.h"
#include "coordinator/train/trial.h"

#include <math.h>
#include <stdlib.h>

static const double risen = 1.1; /* times the loss where the fork began */

struct early_stop {
    const struct context *context;      /* borrowed */
    const struct gate_windows *windows; /* borrowed */
    struct eval_source *sources;
    struct evaluation *evaluation; /* used for each fork in turn */
    bool reading;
    struct pair *read; /* whose fork is evaluated; NULL: it was discarded */
};

struct early_stop *early_stop_new(const struct context *context, const struct gate_windows *windows)
{
    struct early_stop *p = mem_new(1, sizeof *p);
    *p = (struct early_stop){.context = context, .windows = windows};
    p->sources = mem_new(windows->n_sources, sizeof *p->sources);
    for (size_t s = 0; s < windows->n_sources; s++) {
        p->sources[s] = context->roster->sources[s];
        if (windows->weights[s] == 0)
            p->sources[s].samples = 0;
    }
    p->evaluation = evaluation_new(p->sources, windows->n_sources, EARLY_STOP_WINDOWS,
                                   context->run->config->model->context);
    return p;
}

void early_stop_free(struct early_stop *p)
{
    if (!p)
        return;
    evaluation_free(p->evaluation);
    free(p->sources);
    free(p);
}

void early_stop_forget(struct early_stop *p, const struct pair *pair)
{
    if (p->read == pair)
        p->read = NULL;
}

/* Mean loss of a window: the sources by their weights. */
static double loss(const struct early_stop *p)
{
    double total = 0, weights = 0;
    for (size_t s = 0; s < p->windows->n_sources; s++) {
        uint64_t n = evaluation_samples(p->evaluation, s);
        const double *sums = evaluation_sums(p->evaluation, s);
        double sum = 0;
        for (uint64_t i = 0; i < n; i++)
            sum += sums[i];
        if (n) {
            total += p->windows->weights[s] * sum / (double)n;
            weights += p->windows->weights[s];
        }
    }
    return total / weights;
}

static uint64_t middle(uint64_t steps)
{
    return steps / 2 > EARLY_STOP_STEPS ? steps / 2 : EARLY_STOP_STEPS;
}

static void look_next(struct pair *pair, Trireme__EarlyStop__At at)
{
    pair->early_stop.has_next = 1, pair->early_stop.next = at;
    uint64_t until = pair->fork_end;
    if (at == TRIREME__EARLY_STOP__AT__start)
        until = pair->start;
    else if (at == TRIREME__EARLY_STOP__AT__middle)
        until = pair->start + middle(pair->fork_end - pair->start);
    trial_run_until(pair->fork, until);
}

void early_stop_begin(struct pair *pair, const Trireme__EarlyStop *suspended)
{
    trireme__early_stop__init(&pair->early_stop);
    if (suspended)
        pair->early_stop = *suspended;
    const bool is_short = pair->fork_end - pair->start < EARLY_STOP_STEPS;
    look_next(pair, suspended  ? suspended->next
                    : is_short ? TRIREME__EARLY_STOP__AT__over
                               : TRIREME__EARLY_STOP__AT__start);
}

bool early_stop_is_over(const struct pair *pair)
{
    return pair->early_stop.next == TRIREME__EARLY_STOP__AT__over && trial_arrived(pair->fork);
}

void early_stop_take(struct pair *pair, double found)
{
    Trireme__EarlyStop *state = &pair->early_stop;
    state->has_taken = 1, state->taken++;
    if (state->next == TRIREME__EARLY_STOP__AT__start) {
        state->has_start_loss = 1, state->start_loss = found;
        look_next(pair, TRIREME__EARLY_STOP__AT__middle);
        return;
    }
    bool high = !(found <= risen * state->start_loss); // also where it is no number
    if (state->next == TRIREME__EARLY_STOP__AT__end && high)
        trial_diverge(pair->fork);
    look_next(pair, state->next == TRIREME__EARLY_STOP__AT__middle && high
                        ? TRIREME__EARLY_STOP__AT__end
                        : TRIREME__EARLY_STOP__AT__over);
}

void early_stop_turn(struct early_stop *p, struct pair *pairs)
{
    if (p->reading && !evaluator_busy(p->context->evaluator)) {
        p->reading = false;
        if (p->read)
            early_stop_take(p->read, loss(p));
        p->read = NULL;
    }
    for (struct pair *pair = pairs; pair && !evaluator_busy(p->context->evaluator);
         pair = pair->next) {
        if (pair->early_stop.next == TRIREME__EARLY_STOP__AT__none ||
            pair->early_stop.next == TRIREME__EARLY_STOP__AT__over || !pair->fork ||
            !trial_arrived(pair->fork))
            continue;
        if (pair->fork->state == TRIAL_DIVERGED) {
            pair->early_stop.next = TRIREME__EARLY_STOP__AT__over;
            continue;
        }
        p->reading = true;
        p->read = pair;
        evaluator_begin(p->context->evaluator, p->evaluation, p->windows->n_sources, pair->fork,
                        &(struct window_set){0});
    }
}
