#include "coordinator/peek.h"

#include "base/mem.h"
#include "coordinator/evaluator.h"
#include "coordinator/gate_text.h"
#include "coordinator/ground.h"
#include "coordinator/muster.h"
#include "coordinator/pair.h"
#include "coordinator/run.h"
#include "coordinator/trial.h"

#include <math.h>
#include <stdlib.h>

static const double risen = 1.1; /* times the loss where the fork began */

struct peek {
    const struct ground *ground;  /* borrowed */
    const struct gate_text *text; /* borrowed */
    struct eval_source *sources;
    struct evaluation *evaluation; /* used again and again */
    bool reading;
    struct pair *read; /* whose fork it is; NULL: it was forgotten */
};

struct peek *peek_new(const struct ground *ground, const struct gate_text *text)
{
    struct peek *p = mem_new(1, sizeof *p);
    *p = (struct peek){.ground = ground, .text = text};
    p->sources = mem_new(text->n_sources, sizeof *p->sources);
    for (size_t s = 0; s < text->n_sources; s++) {
        p->sources[s] = ground->muster->sources[s];
        if (text->weights[s] == 0)
            p->sources[s].samples = 0;
    }
    p->evaluation = evaluation_new(p->sources, text->n_sources, PEEK_WINDOWS, ground->run->config->model->context);
    return p;
}

void peek_free(struct peek *p)
{
    if (!p)
        return;
    evaluation_free(p->evaluation);
    free(p->sources);
    free(p);
}

void peek_forget(struct peek *p, const struct pair *pair)
{
    if (p->read == pair)
        p->read = NULL;
}

/* Mean loss of a window, the sources by their weights. */
static double loss(const struct peek *p)
{
    double total = 0, weights = 0;
    for (size_t s = 0; s < p->text->n_sources; s++) {
        uint64_t n = evaluation_samples(p->evaluation, s);
        const double *sums = evaluation_sums(p->evaluation, s);
        double sum = 0;
        for (uint64_t i = 0; i < n; i++)
            sum += sums[i];
        if (n) {
            total += p->text->weights[s] * sum / (double)n;
            weights += p->text->weights[s];
        }
    }
    return total / weights;
}

/* What was read, and how far the fork trains now. */
static void take(struct pair *pair, double found)
{
    struct trial *fork = pair->fork;
    pair->peeks++;
    if (pair->peek == PEEK_START) {
        pair->dev_loss = found;
        pair->peek = PEEK_MIDDLE;
        fork->until = fork->step + (pair->fork_end - fork->step) / 2;
        return;
    }
    bool high = !(found <= risen * pair->dev_loss); // also where it is no number
    if (pair->peek == PEEK_END && high)
        fork->diverged = true;
    pair->peek = pair->peek == PEEK_MIDDLE && high ? PEEK_END : PEEK_OVER;
    fork->until = pair->fork_end;
}

void peek_turn(struct peek *p, struct pair *pairs)
{
    if (p->reading && !evaluator_busy(p->ground->evaluator)) {
        p->reading = false;
        if (p->read)
            take(p->read, loss(p));
        p->read = NULL;
    }
    for (struct pair *pair = pairs; pair && !evaluator_busy(p->ground->evaluator); pair = pair->next) {
        if (pair->peek == PEEK_NONE || pair->peek == PEEK_OVER || !trial_arrived(pair->fork))
            continue;
        if (pair->fork->diverged) {
            pair->peek = PEEK_OVER;
            continue;
        }
        p->reading = true;
        p->read = pair;
        evaluator_begin(p->ground->evaluator, p->evaluation, p->text->n_sources, pair->fork, &(struct window_set){0});
    }
}
