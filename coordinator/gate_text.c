#include "coordinator/gate_text.h"

#include "base/mem.h"
#include "coordinator/gate.h"
#include "coordinator/history.h"
#include "coordinator/muster.h"
#include "coordinator/run.h"

#include <stdlib.h>

enum { DEV_WINDOWS_MIN = 64, GATE_WINDOWS_MIN = 256, SEALED_WINDOWS_MIN = 256 };

static int find_weights(struct gate_text *t, const struct run *run, struct err *err)
{
    const Trireme__Gate *gate = run->config->gate;
    const Trireme__Segment *first = run->segments[0];
    t->n_sources = first->n_weights;
    if (gate->n_weights && gate->n_weights != t->n_sources)
        return err_set(err, ERR_USAGE, "gate.weights: found %zu, expected %zu, one for each source", gate->n_weights,
                       t->n_sources);
    double sum = 0;
    t->weights = mem_new(t->n_sources, sizeof *t->weights);
    for (size_t s = 0; s < t->n_sources; s++)
        sum += t->weights[s] = gate->n_weights ? gate->weights[s] : first->weights[s];
    return sum > 0 ? 0 : err_set(err, ERR_USAGE, "gate.weights: found only zeros, expected a weight above zero");
}

static void find_off(struct gate_text *t, const struct muster *m)
{
    for (size_t s = 0; s < t->n_sources && !t->off; s++) {
        if (t->weights[s] == 0)
            continue;
        const uint64_t dev = m->sources[s].samples, gate = m->gate_samples[s], sealed = m->sealed_samples[s];
        if (dev < DEV_WINDOWS_MIN || gate < GATE_WINDOWS_MIN || sealed < SEALED_WINDOWS_MIN)
            t->off = mem_format(
                "experiments are off: the validation text of source '%s' has %llu windows to look at, %llu to "
                "judge by and %llu sealed, expected at least %d, %d and %d",
                m->sources[s].name, (unsigned long long)dev, (unsigned long long)gate, (unsigned long long)sealed,
                DEV_WINDOWS_MIN, GATE_WINDOWS_MIN, SEALED_WINDOWS_MIN);
    }
}

static void retake(struct gate_text *t, const struct attempt *a, uint32_t *counts, uint64_t *first)
{
    for (size_t p = 0; p < a->n_pairs; p++)
        gate_text_take(t, a->plan->windows, counts, first);
}

int gate_text_init(struct gate_text *t, const struct run *run, const struct muster *muster,
                   const struct history *history, struct err *err)
{
    *t = (struct gate_text){0};
    if (find_weights(t, run, err) < 0) {
        gate_text_clear(t);
        return -1;
    }
    find_off(t, muster);
    t->taken = mem_new(t->n_sources, sizeof *t->taken);
    uint32_t *counts = mem_new(t->n_sources, sizeof *counts);
    uint64_t *first = mem_new(t->n_sources, sizeof *first);
    for (size_t i = 0; i < history->n; i++) {
        retake(t, &history->entries[i].forward, counts, first);
        retake(t, &history->entries[i].reverse, counts, first);
    }
    free(first);
    free(counts);
    return 0;
}

void gate_text_clear(struct gate_text *t)
{
    free(t->weights);
    free(t->taken);
    free(t->off);
    *t = (struct gate_text){0};
}

void gate_text_take(struct gate_text *t, uint32_t n, uint32_t *counts, uint64_t *first)
{
    gate_share_windows(counts, t->weights, t->n_sources, n);
    for (size_t s = 0; s < t->n_sources; s++) {
        first[s] = t->taken[s];
        t->taken[s] += counts[s];
    }
}
