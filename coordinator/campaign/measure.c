#include "coordinator/campaign/measure.h"

#include "base/digest.h"
#include "base/mem.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/gate/gate_windows.h"
#include "coordinator/ledger/history.h"
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
    const struct context *context;      /* borrowed */
    const struct gate_windows *windows; /* borrowed */
    double total_weight;
    uint64_t key; /* of the order of the gate part: no planner knows it */
    struct eval_source *sources;
    struct evaluation *evaluation; /* NULL: none is under way */
    struct arm *reading;           /* whose it is */
    /* of the stretch that is measured */
    bool begun, read;   /* read: windows were drawn */
    uint64_t end, tail; /* steps of the trunk */
    uint32_t n_windows; /* that each arm reads */
    struct arm trunk;
    uint32_t *counts;        /* windows of each source */
    uint64_t *first, *taken; /* the first of them in the order of the gate part; behind them */
};

struct measure *measure_new(const struct context *context, const struct gate_windows *windows)
{
    struct measure *m = mem_new(1, sizeof *m);
    *m = (struct measure){.context = context, .windows = windows};
    m->sources = mem_new(windows->n_sources, sizeof *m->sources);
    m->counts = mem_new(windows->n_sources, sizeof *m->counts);
    m->first = mem_new(windows->n_sources, sizeof *m->first);
    m->taken = mem_new(windows->n_sources, sizeof *m->taken);
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
    free(m->trunk.sums);
    free(m->counts);
    free(m->first);
    free(m->taken);
    free(m->sources);
    free(m);
}

void measure_begin(struct measure *m, struct pair *pairs)
{
    const struct history *h = context_history(m->context);
    m->begun = true, m->read = false;
    m->end = h->stretch_start + h->stretch->horizon;
    m->tail = h->stretch->tail;
    m->n_windows = h->stretch->windows;
    m->trunk = (struct arm){.base = *m->context->trunk};
    for (struct pair *p = pairs; p; p = p->next)
        p->arm = (struct arm){.base = p->fork};
}

bool measure_has_begun(const struct measure *m)
{
    return m->begun;
}

static int begin_tail(struct measure *m, struct arm *arm, struct err *err)
{
    char *name = arm == &m->trunk ? pair_trunk_tail_name(m->end, m->tail)
                                  : pair_fork_tail_name(arm->base->name);
    struct fork fork = {.name = name, .step = arm->base->step, .config = arm->base->config};
    suspended_find(m->context->suspended, &fork);
    arm->tail = trials_fork(m->context->trials, arm->base, &fork, err);
    free(name);
    if (!arm->tail)
        return -1;
    trial_begin_tail(arm->tail,
                     (struct tail){.from = arm->base->step,
                                   .steps = trial_equal_steps(m->tail, context_config(m->context),
                                                              arm->base->config),
                                   .lr = trial_lr(arm->base, arm->base->step)});
    return 0;
}

static void begin_reading(struct measure *m, struct arm *arm)
{
    for (size_t s = 0; s < m->windows->n_sources; s++)
        m->sources[s].samples = m->counts[s];
    m->evaluation = evaluation_new(m->sources, m->windows->n_sources, UINT64_MAX,
                                   m->context->run->config->model->context);
    m->reading = arm;
    struct window_set windows = {.part = TRIREME__PART__gate, .key = m->key, .first = m->first};
    evaluator_begin(m->context->evaluator, m->evaluation, m->windows->n_sources, arm->tail,
                    &windows);
}

static void end_reading(struct measure *m)
{
    struct arm *arm = m->reading;
    m->reading = NULL;
    if (arm) {
        arm->sums = mem_new(m->n_windows, sizeof *arm->sums);
        for (size_t s = 0, at = 0; s < m->windows->n_sources; at += m->counts[s++])
            memcpy(arm->sums + at, evaluation_sums(m->evaluation, s),
                   m->counts[s] * sizeof *arm->sums);
        arm->done = true;
    }
    evaluation_free(m->evaluation);
    m->evaluation = NULL;
}

/* Begins an arm's tail, and notes if it has diverged. Returns 1 when its windows can be read, or it
 * is known that they will not be. */
static int prepare(struct measure *m, struct arm *arm, struct err *err)
{
    if (arm->done)
        return 1;
    if (arm->base->state == TRIAL_DIVERGED || (arm->tail && arm->tail->state == TRIAL_DIVERGED)) {
        arm->done = arm->diverged = true;
        return 1;
    }
    if (!arm->tail && begin_tail(m, arm, err) < 0)
        return -1;
    return trial_arrived(arm->tail);
}

static bool is_refused(const struct arm *arm)
{
    return arm->tail && arm->tail->state == TRIAL_REFUSED;
}

/* The same of a fork, which may be given up. */
static int prepare_fork(struct measure *m, struct pair *pair, struct err *err)
{
    struct arm *arm = &pair->arm;
    if (is_refused(arm) && !pair->gave_up)
        pair_refused(pair, arm->tail);
    if (pair->gave_up) {
        arm->done = !arm->tail || trial_rests(arm->tail);
        return arm->done;
    }
    return prepare(m, arm, err);
}

/* The trunk's own tail is not there: no arm has anything to be compared with. */
static void give_up_all(struct measure *m, struct pair *pairs)
{
    for (struct pair *p = pairs; p; p = p->next)
        if (!p->gave_up)
            pair_refused(p, m->trunk.tail);
    m->trunk.done = true;
}

static int prepare_all(struct measure *m, struct pair *pairs, struct err *err)
{
    if (is_refused(&m->trunk))
        give_up_all(m, pairs);
    int all = prepare(m, &m->trunk, err);
    for (struct pair *p = pairs; p && all >= 0; p = p->next) {
        const int rc = prepare_fork(m, p, err);
        all = rc < 0 ? -1 : all && rc;
    }
    return all;
}

/* The windows are drawn only now, by a stretch that will be recorded: so their number follows from
 * the ledger. */
static void draw_windows(struct measure *m)
{
    gate_windows_draw(m->windows, context_history(m->context), m->n_windows, m->counts, m->first);
    for (size_t s = 0; s < m->windows->n_sources; s++)
        m->taken[s] = m->first[s] + m->counts[s];
    m->read = true;
}

/* Whether a fork is left that can be compared with anything. */
static bool any_is_left(const struct pair *pairs)
{
    for (const struct pair *p = pairs; p; p = p->next)
        if (!p->gave_up && !p->arm.diverged)
            return true;
    return false;
}

static struct arm *next_unread(struct measure *m, struct pair *pairs)
{
    if (!m->trunk.done)
        return &m->trunk;
    for (struct pair *p = pairs; p; p = p->next)
        if (!p->arm.done && !p->gave_up)
            return &p->arm;
    return NULL;
}

int measure_turn(struct measure *m, struct pair *pairs, struct err *err)
{
    if (m->evaluation && !evaluator_busy(m->context->evaluator))
        end_reading(m);
    int rc = prepare_all(m, pairs, err);
    if (rc <= 0)
        return rc;
    if (!any_is_left(pairs))
        return !m->evaluation;
    if (!m->read)
        draw_windows(m);
    struct arm *next = next_unread(m, pairs);
    if (next && !m->evaluation && !evaluator_busy(m->context->evaluator))
        begin_reading(m, next);
    return !next;
}

/* Mean loss a token: the sources' means by their weights. */
static double loss(const struct measure *m, const double *sums)
{
    double total = 0, tokens = (double)m->context->run->config->model->context;
    for (size_t s = 0, at = 0; s < m->windows->n_sources; at += m->counts[s++]) {
        double sum = 0;
        for (uint32_t i = 0; i < m->counts[s]; i++)
            sum += sums[at + i];
        if (m->counts[s])
            total += m->windows->weights[s] / m->total_weight * (sum / (m->counts[s] * tokens));
    }
    return total;
}

/* The part of the variance of the arms' difference that the choice of windows explains: each
 * source's, times the square of its share. */
static double variance(const struct measure *m, const double *a, const double *b)
{
    double total = 0, tokens = (double)m->context->run->config->model->context;
    for (size_t s = 0, at = 0; s < m->windows->n_sources; at += m->counts[s++]) {
        double mean = 0, squares = 0, n = m->counts[s],
               share = m->windows->weights[s] / m->total_weight;
        for (uint32_t i = 0; i < m->counts[s]; i++)
            mean += (a[at + i] - b[at + i]) / tokens / n;
        for (uint32_t i = 0; i < m->counts[s]; i++) {
            double d = (a[at + i] - b[at + i]) / tokens - mean;
            squares += d * d;
        }
        if (n > 1)
            total += share * share * squares / (n - 1) / n;
    }
    return total;
}

/* Tokens that an arm trained on and read in its tail. A token that is read costs a third. */
static uint64_t tail_tokens(const struct measure *m, const struct arm *arm)
{
    const uint64_t context = m->context->run->config->model->context;
    uint64_t tokens = 0;
    if (arm->tail && arm->tail->step > arm->tail->tail.from)
        tokens =
            (arm->tail->step - arm->tail->tail.from) * run_config_step_tokens(arm->tail->config);
    return tokens + (arm->sums ? m->n_windows * context / 3 : 0);
}

/* Those of a fork before its tail. */
static uint64_t fork_tokens(const struct pair *pair)
{
    return (pair->fork->step - pair->start) * run_config_step_tokens(pair->fork->config);
}

/* Its training, or weights that the last update broke. The trunk may not have been read at all. */
static bool is_diverged(const struct measure *m, const struct arm *arm)
{
    return arm->diverged || (arm->sums && !isfinite(loss(m, arm->sums)));
}

void measure_observe(const struct measure *m, const struct pair *pair, Trireme__Observation *o)
{
    const double *trunk = m->trunk.sums, *fork = pair->arm.sums;
    trireme__observation__init(o);
    o->has_pair = 1, o->pair = pair->index;
    o->has_step = 1, o->step = m->end;
    o->has_tokens = 1, o->tokens = fork_tokens(pair) + tail_tokens(m, &pair->arm);
    o->has_diverged = 1, o->diverged = is_diverged(m, &pair->arm);
    o->has_trunk_diverged = o->trunk_diverged = is_diverged(m, &m->trunk);
    if (!fork || !trunk)
        return;
    o->first_windows = m->first, o->n_first_windows = m->windows->n_sources;
    o->has_first_window = 1, o->first_window = m->first[0];
    o->has_windows = 1, o->windows = m->n_windows;
    if (o->diverged || o->trunk_diverged)
        return;
    o->has_trunk_loss = 1, o->trunk_loss = loss(m, trunk);
    o->has_fork_loss = 1, o->fork_loss = loss(m, fork);
    o->has_window_variance = 1, o->window_variance = variance(m, trunk, fork);
}

void measure_decide(const struct measure *m, Trireme__Decision *decision)
{
    trireme__decision__init(decision);
    decision->has_tokens = 1, decision->tokens = tail_tokens(m, &m->trunk);
    decision->has_trunk_diverged = decision->trunk_diverged = is_diverged(m, &m->trunk);
    if (m->read)
        decision->windows_taken = m->taken, decision->n_windows_taken = m->windows->n_sources;
}

static void stop_tail(struct measure *m, struct arm *arm)
{
    if (m->reading == arm)
        m->reading = NULL;
    if (arm->tail)
        trial_stop(arm->tail);
    arm->tail = NULL;
}

const struct trial *measure_trunk_tail(const struct measure *m)
{
    return m->trunk.tail;
}

void measure_leave(struct measure *m, struct pair *pair)
{
    stop_tail(m, &pair->arm);
}

void measure_end(struct measure *m)
{
    if (!m->begun)
        return;
    stop_tail(m, &m->trunk);
    free(m->trunk.sums);
    m->trunk = (struct arm){0};
    m->begun = m->read = false;
}
