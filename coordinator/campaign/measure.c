#include "coordinator/campaign/measure.h"

#include "base/digest.h"
#include "base/mem.h"
#include "coordinator/campaign/early_stop.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/gate/gate_windows.h"
#include "coordinator/run/run.h"
#include "coordinator/train/context.h"
#include "coordinator/train/evaluator.h"
#include "coordinator/train/roster.h"
#include "coordinator/train/suspended.h"
#include "coordinator/train/trials.h"
#include "proto/config/run_config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct measure {
    const struct context *context; /* borrowed */
    struct gate_windows *windows;  /* borrowed */
    double total_weight;
    uint64_t key; /* of the order of the gate part: no planner knows it */
    struct eval_source *sources;
    struct evaluation *evaluation; /* NULL: none is under way */
    struct pair *reading;          /* whose arm it is */
    int reading_arm;
};

struct measure *measure_new(const struct context *context, struct gate_windows *windows)
{
    struct measure *m = mem_new(1, sizeof *m);
    *m = (struct measure){.context = context, .windows = windows};
    m->sources = mem_new(windows->n_sources, sizeof *m->sources);
    for (size_t s = 0; s < windows->n_sources; s++) {
        m->sources[s] = context->roster->sources[s];
        m->total_weight += windows->weights[s];
    }
    m->key = digest_key(context->run->config->train->seed, "gate") | 1; // 0 means the text's order
    return m;
}

void measure_free(struct measure *m)
{
    if (!m)
        return;
    evaluation_free(m->evaluation);
    free(m->sources);
    free(m);
}

void measure_begin(struct measure *m, struct pair *pair)
{
    pair->measuring = true;
    pair->arms[ARM_TRUNK].base = *m->context->trunk;
    pair->arms[ARM_FORK].base = pair->fork;
}

static void take_windows(struct measure *m, struct pair *pair)
{
    pair->counts = mem_new(m->windows->n_sources, sizeof *pair->counts);
    pair->first = mem_new(m->windows->n_sources, sizeof *pair->first);
    gate_windows_draw(m->windows, pair->plan->windows, pair->counts, pair->first);
}

/* Returns the tail of another pair's trunk arm that this pair can use, or NULL. */
static struct trial *shared_tail(struct pair *pairs, const struct pair *pair)
{
    for (struct pair *p = pairs; p; p = p->next)
        if (p != pair && p->measuring && p->end == pair->end && p->plan->tail == pair->plan->tail &&
            p->arms[ARM_TRUNK].tail && !p->arms[ARM_TRUNK].borrows_tail)
            return p->arms[ARM_TRUNK].tail;
    return NULL;
}

static int begin_tail(struct measure *m, struct pair *pairs, struct pair *pair, int which,
                      struct err *err)
{
    struct arm *arm = &pair->arms[which];
    if (which == ARM_TRUNK && (arm->tail = shared_tail(pairs, pair))) {
        arm->borrows_tail = true;
        return 0;
    }
    char *name = which == ARM_TRUNK ? pair_trunk_tail_name(pair->end, pair->plan->tail)
                                    : pair_fork_tail_name(arm->base->name);
    struct fork fork = {.name = name, .step = arm->base->step, .config = arm->base->config};
    suspended_find(m->context->suspended, &fork);
    arm->tail = trials_fork(m->context->trials, arm->base, &fork, err);
    free(name);
    if (!arm->tail)
        return -1;
    trial_begin_tail(arm->tail, (struct tail){.from = arm->base->step,
                                              .steps = trial_equal_steps(pair->plan->tail,
                                                                         context_config(m->context),
                                                                         arm->base->config),
                                              .lr = trial_lr(arm->base, arm->base->step)});
    return 0;
}

/* Returns the trial whose weights are evaluated, once it has arrived; NULL before. */
static struct trial *ready(const struct pair *pair, const struct arm *arm)
{
    struct trial *t = pair->plan->tail ? arm->tail : arm->base;
    return t && trial_arrived(t) ? t : NULL;
}

static void begin_reading(struct measure *m, struct pair *pair, int which, struct trial *trial)
{
    for (size_t s = 0; s < m->windows->n_sources; s++)
        m->sources[s].samples = pair->counts[s];
    m->evaluation = evaluation_new(m->sources, m->windows->n_sources, UINT64_MAX,
                                   m->context->run->config->model->context);
    m->reading = pair, m->reading_arm = which;
    struct window_set windows = {.part = TRIREME__PART__gate, .key = m->key, .first = pair->first};
    evaluator_begin(m->context->evaluator, m->evaluation, m->windows->n_sources, trial, &windows);
}

static void end_reading(struct measure *m)
{
    struct arm *arm = &m->reading->arms[m->reading_arm];
    arm->sums = mem_new(m->reading->plan->windows, sizeof *arm->sums);
    for (size_t s = 0, at = 0; s < m->windows->n_sources; at += m->reading->counts[s++])
        memcpy(arm->sums + at, evaluation_sums(m->evaluation, s),
               m->reading->counts[s] * sizeof *arm->sums);
    arm->done = true;
    evaluation_free(m->evaluation);
    m->evaluation = NULL;
}

/* Whether an arm's windows can be read now, or it is known that they will not be. */
static bool is_prepared(const struct pair *pair, const struct arm *arm)
{
    return arm->done || ready(pair, arm);
}

/* Begins an arm's tail if it needs one, and notes if it was refused or has diverged. */
static int prepare(struct measure *m, struct pair *pairs, struct pair *pair, int which,
                   struct err *err)
{
    struct arm *arm = &pair->arms[which];
    if (arm->tail && arm->tail->state == TRIAL_REFUSED && !pair->gave_up)
        pair_refused(pair, arm->tail);
    if (pair->gave_up) {
        arm->done = !arm->tail || trial_rests(arm->tail);
        return 0;
    }
    if (arm->base->state == TRIAL_DIVERGED || (arm->tail && arm->tail->state == TRIAL_DIVERGED)) {
        arm->done = arm->diverged = true;
        return 0;
    }
    return pair->plan->tail && !arm->tail ? begin_tail(m, pairs, pair, which, err) : 0;
}

/* Whether both arms of all pairs that end at `step` are prepared. */
static int prepare_all(struct measure *m, struct pair *pairs, uint64_t step, struct err *err)
{
    bool all = true;
    for (struct pair *p = pairs; p; p = p->next)
        for (int which = ARM_TRUNK; which <= ARM_FORK && p->measuring && p->end == step; which++) {
            if (!p->arms[which].done && prepare(m, pairs, p, which, err) < 0)
                return -1;
            all = all && is_prepared(p, &p->arms[which]);
        }
    return all;
}

int measure_turn(struct measure *m, struct pair *pairs, uint64_t step, struct err *err)
{
    if (m->evaluation && !evaluator_busy(m->context->evaluator))
        end_reading(m);
    int rc = prepare_all(m, pairs, step, err);
    if (rc <= 0)
        return rc;
    // Windows are drawn only now, by pairs that will be recorded: so their number follows from the
    // ledger.
    for (struct pair *p = pairs; p; p = p->next)
        if (p->measuring && p->end == step && !p->gave_up && !p->counts)
            take_windows(m, p);
    bool all = true;
    for (struct pair *p = pairs; p; p = p->next)
        for (int which = ARM_TRUNK; which <= ARM_FORK && p->measuring && p->end == step; which++) {
            struct arm *arm = &p->arms[which];
            if (!arm->done && !p->gave_up && !m->evaluation &&
                !evaluator_busy(m->context->evaluator))
                begin_reading(m, p, which, ready(p, arm));
            all = all && (arm->done || p->gave_up);
        }
    return all;
}

/* Mean loss a token: the sources' means by their weights. */
static double loss(const struct measure *m, const struct pair *pair, const double *sums)
{
    double total = 0, tokens = (double)m->context->run->config->model->context;
    for (size_t s = 0, at = 0; s < m->windows->n_sources; at += pair->counts[s++]) {
        double sum = 0;
        for (uint32_t i = 0; i < pair->counts[s]; i++)
            sum += sums[at + i];
        if (pair->counts[s])
            total += m->windows->weights[s] / m->total_weight * (sum / (pair->counts[s] * tokens));
    }
    return total;
}

/* The part of the variance of the arms' difference that the choice of windows explains: each
 * source's, times the square of its share. */
static double variance(const struct measure *m, const struct pair *pair)
{
    const double *a = pair->arms[ARM_TRUNK].sums, *b = pair->arms[ARM_FORK].sums;
    double total = 0, tokens = (double)m->context->run->config->model->context;
    for (size_t s = 0, at = 0; s < m->windows->n_sources; at += pair->counts[s++]) {
        double mean = 0, squares = 0, n = pair->counts[s],
               share = m->windows->weights[s] / m->total_weight;
        for (uint32_t i = 0; i < pair->counts[s]; i++)
            mean += (a[at + i] - b[at + i]) / tokens / n;
        for (uint32_t i = 0; i < pair->counts[s]; i++) {
            double d = (a[at + i] - b[at + i]) / tokens - mean;
            squares += d * d;
        }
        if (n > 1)
            total += share * share * squares / (n - 1) / n;
    }
    return total;
}

static unsigned sharers(struct pair *pairs, const struct pair *pair)
{
    unsigned n = 0;
    for (struct pair *p = pairs; p; p = p->next)
        n += p->measuring && p->end == pair->end && p->plan->tail == pair->plan->tail;
    return n ? n : 1;
}

void measure_observe(const struct measure *m, const struct pair *pair, struct pair *pairs,
                     Trireme__Observation *o)
{
    const struct arm *arms = pair->arms;
    const uint64_t stretch =
        (pair->end - pair->start) * run_config_step_tokens((*m->context->trunk)->config);
    const uint64_t tail = pair->plan->tail * run_config_step_tokens((*m->context->trunk)->config);
    const uint64_t windows =
        (uint64_t)pair->plan->windows * m->context->run->config->model->context;
    uint64_t weighted = 0; // the others are not read
    for (size_t s = 0; s < m->windows->n_sources; s++)
        weighted += m->windows->weights[s] > 0;
    const uint64_t early = pair->early_stop.taken * EARLY_STOP_WINDOWS * weighted *
                           m->context->run->config->model->context;
    trireme__observation__init(o);
    o->has_pair = 1, o->pair = pair->index;
    o->has_step = 1, o->step = pair->end;
    o->has_first_window = 1, o->first_window = pair->first[0];
    o->first_windows = pair->first, o->n_first_windows = m->windows->n_sources;
    o->has_tokens = 1,
    o->tokens = stretch + tail + tail / sharers(pairs, pair) + (2 * windows + early) / 3;
    o->has_diverged = 1, o->diverged = arms[ARM_FORK].diverged;
    o->has_trunk_diverged = o->trunk_diverged = arms[ARM_TRUNK].diverged;
    if (o->diverged || o->trunk_diverged)
        return;
    double trunk_loss = loss(m, pair, arms[ARM_TRUNK].sums),
           fork_loss = loss(m, pair, arms[ARM_FORK].sums);
    o->diverged = !isfinite(fork_loss); // weights that the last update broke
    o->has_trunk_diverged = o->trunk_diverged = !isfinite(trunk_loss);
    if (o->diverged || o->trunk_diverged)
        return;
    o->has_trunk_loss = 1, o->trunk_loss = trunk_loss;
    o->has_fork_loss = 1, o->fork_loss = fork_loss;
    o->has_window_variance = 1, o->window_variance = variance(m, pair);
}

void measure_end(struct pair *pair)
{
    for (int which = 0; which < 2; which++) {
        struct arm *arm = &pair->arms[which];
        if (arm->tail && !arm->borrows_tail)
            trial_stop(arm->tail);
        arm->tail = NULL;
    }
    pair->measuring = false;
}
