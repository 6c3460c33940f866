#include "coordinator/brief.h"

#include "base/mem.h"
#include "coordinator/history.h"
#include "coordinator/leaves.h"
#include "coordinator/patch.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

enum { CURVE_POINTS = 12, TRIED_MAX = 1000 /* newest proposals that are told of: whoever proposes makes them */ };
static const double tokens_max = 1e18;

/* The mean of `stretch` steps, or of what there is of them. */
struct stretch {
    uint64_t last;                /* step */
    double loss, tokens, seconds; /* sums */
    unsigned n;
    bool has_val;
    double val_loss; /* of the last evaluation in it */
};

struct curve {
    struct stretch stretches[2 * CURVE_POINTS];
    size_t n;
    unsigned long steps; /* lines of each stretch but the last one */
    double lr;           /* of the last line */
    bool has_first_val;
    double first_val;        /* of an evaluation before the first step */
    Trireme__EvalLine *eval; /* the last, or NULL */
};

struct curve *curve_new(void)
{
    struct curve *curve = mem_new(1, sizeof *curve);
    curve->steps = 1;
    return curve;
}

void curve_free(struct curve *curve)
{
    if (curve)
        message_free(curve->eval);
    free(curve);
}

static void add(struct stretch *to, const struct stretch *later)
{
    to->last = later->last;
    to->loss += later->loss, to->tokens += later->tokens, to->seconds += later->seconds;
    to->n += later->n;
    if (later->has_val) {
        to->has_val = true;
        to->val_loss = later->val_loss;
    }
}

/* Makes room by joining neighbours. */
static void join(struct curve *curve)
{
    for (size_t i = 0; i < CURVE_POINTS; i++) {
        struct stretch joined = curve->stretches[2 * i];
        add(&joined, &curve->stretches[2 * i + 1]);
        curve->stretches[i] = joined;
    }
    curve->n = CURVE_POINTS;
    curve->steps *= 2;
}

static bool is_trunk(const char *trial)
{
    return !trial || !strcmp(trial, "trunk");
}

void curve_train(struct curve *curve, const Trireme__TrainLine *line)
{
    struct stretch *last = curve->n ? &curve->stretches[curve->n - 1] : NULL;
    struct stretch one = {
        .last = line->step, .loss = line->loss, .tokens = (double)line->tokens, .seconds = line->seconds, .n = 1};
    if (!is_trunk(line->trial) || (last && line->step <= last->last))
        return;
    curve->lr = line->lr;
    if (last && last->n < curve->steps) {
        add(last, &one);
        return;
    }
    if (curve->n == 2 * CURVE_POINTS)
        join(curve);
    curve->stretches[curve->n++] = one;
}

void curve_eval(struct curve *curve, const Trireme__EvalLine *line)
{
    if (!is_trunk(line->trial))
        return;
    message_free(curve->eval);
    curve->eval = message_copy(line);
    if (curve->n) {
        struct stretch *last = &curve->stretches[curve->n - 1];
        last->has_val = true;
        last->val_loss = line->val_loss;
    } else {
        curve->has_first_val = true;
        curve->first_val = line->val_loss;
    }
}

static void tell_curve(Trireme__Briefing *b, const struct curve *curve)
{
    bool has_val = curve->has_first_val;
    double val_loss = curve->first_val, tokens = 0, seconds = 0;
    b->curve = mem_new(curve->n, sizeof *b->curve);
    for (size_t i = 0; i < curve->n; i++) {
        const struct stretch *s = &curve->stretches[i];
        Trireme__CurvePoint *point = b->curve[b->n_curve++] = message_new(&trireme__curve_point__descriptor);
        has_val = has_val || s->has_val;
        val_loss = s->has_val ? s->val_loss : val_loss;
        point->has_step = true, point->step = s->last;
        point->has_loss = true, point->loss = s->loss / s->n;
        point->has_val_loss = has_val, point->val_loss = has_val ? val_loss : 0;
        if (i + 2 >= curve->n) // the last one alone may be a single step
            tokens += s->tokens, seconds += s->seconds;
    }
    b->has_tok_per_s = seconds > 0, b->tok_per_s = seconds > 0 ? tokens / seconds : 0;
    b->has_lr = curve->n > 0, b->lr = curve->lr;
    size_t n = curve->eval ? curve->eval->n_sources : 0;
    b->sources = mem_new(n, sizeof *b->sources);
    for (size_t i = 0; i < n; i++)
        b->sources[b->n_sources++] = message_copy(curve->eval->sources[i]);
}

/* What a planner may know of the configuration: what it can reason from, and nothing that names a place or a seed. */
static const char *const told[] = {
    "model.*",     "data.order",       "data.sources.*.name", "data.sources.*.weight", "data.skip",  "train.steps",
    "train.batch", "train.microbatch", "train.context",       "optimizer.*",           "schedule.*", "eval.*",
};

static void tell_value(void *context, const struct leaf *leaf)
{
    Trireme__Briefing *b = context;
    bool may = false;
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        may = may || leaves_match(told[i], leaf->path);
    if (!may)
        return;
    Trireme__Change *value = message_new(&trireme__change__descriptor);
    value->path = mem_strdup(leaf->path);
    value->value = mem_strdup(leaf->text);
    b->config = mem_resize(b->config, b->n_config + 1, sizeof *b->config);
    b->config[b->n_config++] = value;
}

static void tell_may_change(void *context, const Trireme__MayChange *may)
{
    Trireme__Briefing *b = context;
    b->may_change = mem_resize(b->may_change, b->n_may_change + 1, sizeof *b->may_change);
    b->may_change[b->n_may_change++] = message_copy(may);
}

static const char *outcome(enum fate fate)
{
    static const char *const names[] = {
        [FATE_PROPOSED] = "queued",
        [FATE_REFUSED] = "refused",
        [FATE_OBSERVED] = "observed",
        [FATE_WAITING] = "waiting",
        [FATE_VETOED] = "vetoed",
        [FATE_QUEUED] = "queued",
        [FATE_OPEN] = "open",
        [FATE_REJECTED] = "reject",
        [FATE_INCONCLUSIVE] = "inconclusive",
        [FATE_PROMOTED] = "promote",
        [FATE_CONFIRMED] = "confirmed",
        [FATE_UNCONFIRMED] = "unconfirmed",
        [FATE_ROLLED_BACK] = "rolled_back",
    };
    return names[fate];
}

/* Of a judgement the outcome alone: its numbers would tell of the gate's text, a little with each proposal. */
static Trireme__Tried *tell_tried(const struct entry *entry)
{
    Trireme__Tried *tried = message_new(&trireme__tried__descriptor);
    const Trireme__Proposal *proposal = entry->proposal;
    tried->has_number = true, tried->number = entry->number;
    tried->outcome = mem_strdup(outcome(entry->fate));
    tried->has_pairs = true, tried->pairs = (uint32_t)entry->forward.n_pairs;
    tried->reason = mem_strdup(entry->reason);
    if (!proposal)
        return tried;
    tried->id = mem_strdup(proposal->id);
    tried->hypothesis = mem_strdup(proposal->hypothesis);
    tried->patch = mem_new(proposal->n_patch, sizeof *tried->patch);
    for (size_t i = 0; i < proposal->n_patch; i++)
        tried->patch[tried->n_patch++] = message_copy(proposal->patch[i]);
    return tried;
}

uint64_t brief_tokens(const Trireme__Run *config)
{
    uint32_t context = config->train->context ? config->train->context : config->model->context;
    double tokens = config->gate->share * (double)config->train->steps * config->train->batch * context;
    return (uint64_t)(tokens < tokens_max ? tokens : tokens_max);
}

Trireme__Briefing *brief_make(const struct brief *brief)
{
    const Trireme__Run *config = brief->config;
    const struct history *history = brief->history;
    uint64_t tokens = brief_tokens(config);
    uint32_t hypotheses = config->gate->hypotheses;
    Trireme__Briefing *b = message_new(&trireme__briefing__descriptor);
    b->has_step = true, b->step = brief->step;
    b->has_steps = true, b->steps = config->train->steps;
    b->has_hypotheses_left = true;
    b->hypotheses_left = hypotheses > history->registered ? hypotheses - history->registered : 0;
    b->has_room = true, b->room = brief->room < b->hypotheses_left ? brief->room : b->hypotheses_left;
    b->has_tokens_left = true, b->tokens_left = tokens > history->tokens ? tokens - history->tokens : 0;
    tell_curve(b, brief->curve);
    leaves_visit(config, tell_value, b);
    patch_may_change(config, brief->policy, tell_may_change, b);
    size_t first = history->n > TRIED_MAX ? history->n - TRIED_MAX : 0;
    b->tried = mem_new(history->n - first, sizeof *b->tried);
    for (size_t i = first; i < history->n; i++)
        b->tried[b->n_tried++] = tell_tried(&history->entries[i]);
    return b;
}
