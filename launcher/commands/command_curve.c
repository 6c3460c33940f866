/* trireme curve: the trunk's losses at its evaluations, or the training losses of a fork, from the
 * run's metrics. */
#include "base/mem.h"
#include "coordinator/briefing/curve.h"
#include "launcher/commands/command.h"
#include "launcher/commands/trial_steps.h"
#include "launcher/commands/trunk_lines.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"

#include <stdbool.h>
#include <string.h>

enum { FORK_POINTS = 100 };

/* Sums over the steps since the point before. */
struct gathering {
    const Trireme__CurveRequest *request;
    Trireme__CurveReply *reply;
    uint64_t n, tokens;
    double loss, grad_norm, lr;
};

static void add_step(struct gathering *g, double loss, double grad_norm, double lr, uint64_t tokens)
{
    g->n++;
    g->tokens += tokens;
    g->loss += loss, g->grad_norm += grad_norm;
    g->lr = lr;
}

/* A point of the steps since the one before. */
static Trireme__LossPoint *add_point(struct gathering *g, uint64_t step)
{
    Trireme__CurveReply *out = g->reply;
    Trireme__LossPoint *point = message_new(&trireme__loss_point__descriptor);
    out->points = mem_resize(out->points, out->n_points + 1, sizeof *out->points);
    out->points[out->n_points++] = point;
    point->has_step = true, point->step = step;
    point->has_tokens = true, point->tokens = g->tokens;
    if (g->n) {
        point->has_loss = true, point->loss = g->loss / (double)g->n;
        point->has_grad_norm = true, point->grad_norm = g->grad_norm / (double)g->n;
        point->has_lr = true, point->lr = g->lr;
    }
    g->n = 0;
    g->loss = g->grad_norm = 0;
    return point;
}

static bool is_asked_for(const Trireme__CurveRequest *r, uint64_t step)
{
    return step >= r->from && (!r->to || step <= r->to);
}

static void add_evaluation(struct gathering *g, const Trireme__EvalLine *eval)
{
    Trireme__LossPoint *point = add_point(g, eval->step);
    point->has_val_loss = true, point->val_loss = eval->val_loss;
    if (g->request->by == TRIREME__CURVE_REQUEST__BY__total)
        return;
    point->sources = mem_new(eval->n_sources, sizeof *point->sources);
    for (size_t i = 0; i < eval->n_sources; i++)
        point->sources[point->n_sources++] = message_copy(eval->sources[i]);
}

static void hear(void *context, const Trireme__TrainLine *train, const Trireme__EvalLine *eval)
{
    struct gathering *g = context;
    const Trireme__CurveReply *out = g->reply;
    if (train) {
        add_step(g, train->loss, train->grad_norm, train->lr, train->tokens);
        return;
    }
    const bool is_far =
        !out->n_points || eval->step >= out->points[out->n_points - 1]->step + g->request->every;
    if (is_asked_for(g->request, eval->step) && is_far)
        add_evaluation(g, eval);
}

/* A fork has no evaluations: its points are means over equal stretches of its steps, the last one
 * over what is left. */
static void tell_fork(struct gathering *g, const struct trial_steps *fork)
{
    const Trireme__CurveRequest *r = g->request;
    size_t n = 0;
    for (size_t i = 0; i < fork->n; i++)
        n += is_asked_for(r, fork->steps[i].step);
    const uint64_t every = r->every ? r->every : n / FORK_POINTS + (n % FORK_POINTS != 0);
    g->tokens = fork->before;
    for (size_t i = 0; i < fork->n; i++) {
        const struct curve_step *s = &fork->steps[i];
        if (!is_asked_for(r, s->step)) {
            g->tokens += s->tokens;
            continue;
        }
        add_step(g, s->loss, s->norm, s->lr, s->tokens);
        n--;
        if (g->n == every || n == 0)
            add_point(g, s->step);
    }
}

int command_curve(const void *request, void *reply, struct err *err)
{
    struct gathering g = {.request = request, .reply = reply};
    const char *run = g.request->run, *trial = g.request->trial;
    struct trial_steps fork;
    if (run_config_exists(run, err) < 0)
        return -1;
    if (strcmp(trial, "trunk") == 0)
        return trunk_lines_read(run, hear, &g, err);
    if (trial_steps_read(&fork, run, trial, err) < 0)
        return -1;
    tell_fork(&g, &fork);
    trial_steps_clear(&fork);
    return 0;
}
