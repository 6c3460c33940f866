/* trireme curve: the trunk's losses at its evaluations, from the run's metrics. */
#include "base/mem.h"
#include "launcher/commands/command.h"
#include "launcher/commands/trunk_lines.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"

/* Sums over the steps since the point before. */
struct gathering {
    const Trireme__CurveRequest *request;
    Trireme__CurveReply *reply;
    uint64_t n, tokens;
    double loss, grad_norm, lr;
};

static void add_point(struct gathering *g, const Trireme__EvalLine *eval)
{
    Trireme__CurveReply *out = g->reply;
    Trireme__LossPoint *point = message_new(&trireme__loss_point__descriptor);
    out->points = mem_resize(out->points, out->n_points + 1, sizeof *out->points);
    out->points[out->n_points++] = point;
    point->has_step = true, point->step = eval->step;
    point->has_tokens = true, point->tokens = g->tokens;
    if (g->n) {
        point->has_loss = true, point->loss = g->loss / (double)g->n;
        point->has_grad_norm = true, point->grad_norm = g->grad_norm / (double)g->n;
        point->has_lr = true, point->lr = g->lr;
    }
    point->has_val_loss = true, point->val_loss = eval->val_loss;
    point->sources = mem_new(eval->n_sources, sizeof *point->sources);
    for (size_t i = 0; i < eval->n_sources; i++)
        point->sources[point->n_sources++] = message_copy(eval->sources[i]);
    g->n = 0;
    g->loss = g->grad_norm = 0;
}

static void hear(void *context, const Trireme__TrainLine *train, const Trireme__EvalLine *eval)
{
    struct gathering *g = context;
    const Trireme__CurveReply *out = g->reply;
    if (train) {
        g->n++;
        g->tokens += train->tokens;
        g->loss += train->loss, g->grad_norm += train->grad_norm;
        g->lr = train->lr;
        return;
    }
    const bool is_far =
        !out->n_points || eval->step >= out->points[out->n_points - 1]->step + g->request->every;
    if (eval->step >= g->request->from && (!g->request->to || eval->step <= g->request->to) &&
        is_far)
        add_point(g, eval);
}

int command_curve(const void *request, void *reply, struct err *err)
{
    struct gathering g = {.request = request, .reply = reply};
    if (run_config_exists(g.request->run, err) < 0)
        return -1;
    return trunk_lines_read(g.request->run, hear, &g, err);
}
