/* The goal: its loss, the sources, what the training and the dev losses say of each other, where
 * it is heading. */
#include "base/mem.h"
#include "coordinator/briefing/briefing_internal.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/briefing/recent.h"
#include "coordinator/briefing/stats.h"
#include "proto/schema/message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 5, POINTS = 8, LAST_POINTS = 4, OUTLOOK_MIN = 3 };

static const double at_guessing = 0.02, no_fall = 0.01; /* nats */

/* The loss of a source in an evaluation; NaN: it has none. */
static double loss_of(const Trireme__EvalLine *line, const Trireme__Config *config, size_t s)
{
    if (line->n_sources == config->data->n_sources)
        return line->sources[s]->val_loss;
    for (size_t i = 0; i < line->n_sources; i++)
        if (!strcmp(line->sources[i]->name, config->data->sources[s]->name))
            return line->sources[i]->val_loss;
    return NAN;
}

static double goal_weight(const struct briefing_input *input, size_t s)
{
    const Trireme__Gate *gate = input->asked->gate;
    if (gate->n_weights)
        return s < gate->n_weights ? gate->weights[s] : 0;
    return input->goal ? input->goal[s] : input->asked->data->sources[s]->weight;
}

static double share_weight(const struct briefing_input *input, size_t s)
{
    return input->config->data->sources[s]->weight;
}

typedef double (*weight_fn)(const struct briefing_input *input, size_t s);

/* Mean over the sources that have a loss. */
static double weigh(const struct briefing_input *input, const Trireme__EvalLine *line,
                    weight_fn weight)
{
    double sum = 0, weights = 0;
    for (size_t s = 0; s < input->config->data->n_sources; s++) {
        const double loss = loss_of(line, input->config, s), w = weight(input, s);
        if (isnan(loss) || w <= 0)
            continue;
        sum += w * loss;
        weights += w;
    }
    return weights > 0 ? sum / weights : (double)NAN;
}

double briefing_goal_loss(const struct briefing_input *input, const Trireme__EvalLine *line)
{
    return weigh(input, line, goal_weight);
}

static double part(const struct briefing_input *input, size_t s, weight_fn weight)
{
    double sum = 0;
    for (size_t i = 0; i < input->config->data->n_sources; i++)
        sum += weight(input, i);
    return sum > 0 ? stats_round(weight(input, s) / sum, 4) : 0;
}

static void tell_loss(Trireme__Goal *goal, const struct briefing_input *input,
                      const struct curve_eval *last, const struct curve_eval *before)
{
    const double now = briefing_goal_loss(input, last->line);
    if (isnan(now))
        return;
    TELL(goal, loss, stats_round(now, DIGITS));
    TELL(goal, step, last->step);
    const double fall = before ? briefing_goal_loss(input, before->line) - now : (double)NAN;
    if (isnan(fall) || last->step == before->step || last->tokens <= before->tokens)
        return;
    TELL(goal, falls_in_100_steps,
         stats_round(100 * fall / (double)(last->step - before->step), 4));
    TELL(goal, falls_in_a_million_tokens,
         stats_round(1e6 * fall / (last->tokens - before->tokens), 4));
}

static char *name_of(const struct briefing_input *input, const Trireme__EvalLine *line, size_t s)
{
    const Trireme__Source *source = input->config->data->sources[s];
    if (source->name && source->name[0])
        return mem_strdup(source->name);
    if (line && line->n_sources == input->config->data->n_sources)
        return mem_strdup(line->sources[s]->name);
    return mem_format("%zu", s);
}

static void tell_source(Trireme__Briefing *b, const struct briefing_input *input, size_t s,
                        const struct curve_eval *last, const struct curve_eval *before)
{
    Trireme__SourceState *to = message_new(&trireme__source_state__descriptor);
    const double loss = last ? loss_of(last->line, input->config, s) : (double)NAN,
                 was = before ? loss_of(before->line, input->config, s) : (double)NAN,
                 guessing = log((double)input->config->model->vocab);
    to->name = name_of(input, last ? last->line : NULL, s);
    if (!isnan(loss))
        TELL(to, val_loss, stats_round(loss, DIGITS));
    if (!isnan(was))
        TELL(to, before, stats_round(was, DIGITS));
    TELL(to, counts, part(input, s, goal_weight));
    TELL(to, share, part(input, s, share_weight));
    if (input->epochs && !isnan(input->epochs[s]))
        TELL(to, epochs, stats_round(input->epochs[s], 3));
    if (loss >= guessing - at_guessing && was - loss < no_fall) // false where one is not known
        TELL(to, guessing, true);
    APPEND(b, sources, to);
}

static void tell_point(Trireme__Briefing *b, const struct briefing_input *input,
                       const struct curve_eval *eval)
{
    Trireme__DevPoint *point = message_new(&trireme__dev_point__descriptor);
    const double goal = briefing_goal_loss(input, eval->line);
    TELL(point, step, eval->step);
    TELL(point, tokens, (uint64_t)eval->tokens);
    if (!isnan(goal))
        TELL(point, goal, stats_round(goal, DIGITS));
    point->by_source = mem_new(eval->line->n_sources, sizeof *point->by_source);
    for (size_t i = 0; i < eval->line->n_sources; i++)
        point->by_source[point->n_by_source++] =
            stats_round(eval->line->sources[i]->val_loss, DIGITS);
    if (!isnan(eval->train))
        TELL(point, train, stats_round(eval->train, DIGITS));
    APPEND(b, dev, point);
}

/* The last four evaluations, and as many before, evenly spaced from the first. */
static void tell_points(Trireme__Briefing *b, const struct briefing_input *input,
                        const struct curve_eval *evals, size_t n)
{
    const size_t early = POINTS - LAST_POINTS;
    for (size_t i = 0; n > POINTS && i < early; i++)
        tell_point(b, input, &evals[i * (n - LAST_POINTS) / early]);
    for (size_t i = n > POINTS ? n - LAST_POINTS : 0; i < n; i++)
        tell_point(b, input, &evals[i]);
}

static double gap(const struct briefing_input *input, const struct curve_eval *eval)
{
    return eval ? weigh(input, eval->line, share_weight) - eval->train : (double)NAN;
}

/* Fits the last half of the evaluations that have a goal's loss, over ln(tokens). */
static void tell_outlook(Trireme__Briefing *b, const struct briefing_input *input,
                         const struct curve_eval *evals, size_t n)
{
    double *x = mem_new(n, sizeof *x), *y = mem_new(n, sizeof *y);
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        const double loss = briefing_goal_loss(input, evals[i].line);
        if (evals[i].tokens <= 0 || isnan(loss))
            continue;
        x[m] = log(evals[i].tokens);
        y[m++] = loss;
    }
    size_t fitted = (m + 1) / 2;
    fitted = fitted < OUTLOOK_MIN ? OUTLOOK_MIN : fitted;
    const double end = (double)b->tokens + (double)(b->steps - b->step) * (double)b->step_tokens;
    if (m >= fitted && end > 0) {
        const struct stats_line line = stats_line_fit(x + m - fitted, y + m - fitted, fitted);
        const double loss = stats_line_at(&line, log(end)),
                     half = stats_line_half_width(&line, log(end));
        Trireme__Outlook *to = message_new(&trireme__outlook__descriptor);
        TELL(to, tokens, (uint64_t)end);
        TELL(to, loss, stats_round(loss, 4));
        TELL(to, low, stats_round(loss - half, 4));
        TELL(to, high, stats_round(loss + half, 4));
        TELL(to, points, (uint32_t)fitted);
        TELL(to, slope, stats_round(line.slope, 3));
        message_free(b->outlook);
        b->outlook = to;
    } else {
        message_free(b->outlook);
        b->outlook = NULL;
    }
    free(x);
    free(y);
}

void briefing_tell_goal(Trireme__Briefing *b, const struct briefing_input *input)
{
    size_t n = 0;
    const struct curve_eval *evals = curve_evals(input->curve, &n),
                            *last = n > 0 ? &evals[n - 1] : NULL,
                            *before = n > 1 ? &evals[n - 2] : NULL;
    TELL(b->goal, guessing, stats_round(log((double)input->config->model->vocab), DIGITS));
    if (last)
        tell_loss(b->goal, input, last, before);
    for (size_t s = 0; s < input->config->data->n_sources; s++)
        tell_source(b, input, s, last, before);
    tell_points(b, input, evals, n);
    struct curve_step steps[CURVE_RECENT];
    recent_tell(b->recent, steps, curve_recent(input->curve, steps),
                input->config->optimizer->clip);
    const double now = last ? gap(input, last) : (double)NAN, then = gap(input, before);
    if (!isnan(now))
        TELL(b->recent, gap, stats_round(now, 3));
    if (!isnan(then))
        TELL(b->recent, gap_before, stats_round(then, 3));
    tell_outlook(b, input, evals, n);
}

void briefing_epochs(double *epochs, const Trireme__Config *config,
                     Trireme__Segment *const *segments, size_t n_segments, uint64_t samples,
                     const Trireme__RunData *data)
{
    const Trireme__Segment *now = n_segments ? segments[n_segments - 1] : NULL;
    for (size_t s = 0; s < config->data->n_sources; s++) {
        double there = 0, weights = 0;
        epochs[s] = NAN;
        for (size_t i = 0; data && i < data->n_files; i++)
            if (!strcmp(data->files[i]->source, config->data->sources[s]->name) &&
                data->files[i]->use == TRIREME__READ_FILE__USE__training)
                there += (double)data->files[i]->tokens;
        if (!now || s >= now->n_weights || there <= 0)
            continue;
        for (size_t i = 0; i < now->n_weights; i++)
            weights += now->weights[i];
        // no prefix of a mixture is a whole sample away from its share (proto/order/mixture.h)
        const double given =
                         (s < now->n_cursors ? (double)now->cursors[s] : 0) +
                         (samples > now->first_sample ? (double)(samples - now->first_sample) : 0) *
                             now->weights[s] / weights,
                     parts = now->parts ? now->parts : 1;
        epochs[s] = given / parts * config->model->context / there;
    }
}
