#include "coordinator/gate/gate_windows.h"

#include "base/mem.h"
#include "coordinator/gate/gate.h"
#include "coordinator/ledger/history.h"
#include "coordinator/run/run.h"
#include "coordinator/train/roster.h"

#include <stdlib.h>
#include <string.h>

enum { DEV_WINDOWS_MIN = 64, GATE_WINDOWS_MIN = 256, SEALED_WINDOWS_MIN = 256 };

static void find_weights(struct gate_windows *windows, const struct run *run)
{
    windows->n_sources = run->segments[0]->n_weights;
    windows->weights = mem_new(windows->n_sources, sizeof *windows->weights);
    memcpy(windows->weights, run_gate_weights(run), windows->n_sources * sizeof *windows->weights);
}

static void find_off(struct gate_windows *windows, const struct roster *m)
{
    for (size_t s = 0; s < windows->n_sources && !windows->off; s++) {
        if (windows->weights[s] == 0)
            continue;
        const uint64_t dev = m->sources[s].samples, gate = m->gate_samples[s],
                       sealed = m->sealed_samples[s];
        if (dev < DEV_WINDOWS_MIN || gate < GATE_WINDOWS_MIN || sealed < SEALED_WINDOWS_MIN)
            windows->off = mem_format(
                "experiments are off: the validation text of source '%s' has %llu "
                "windows to look at, %llu to "
                "judge by and %llu sealed, expected at least %d, %d and %d",
                m->sources[s].name, (unsigned long long)dev, (unsigned long long)gate,
                (unsigned long long)sealed, DEV_WINDOWS_MIN, GATE_WINDOWS_MIN, SEALED_WINDOWS_MIN);
    }
}

static void retake(struct gate_windows *windows, const struct attempt *a, uint32_t *counts,
                   uint64_t *first)
{
    for (size_t p = 0; p < a->n_pairs; p++)
        gate_windows_draw(windows, a->plan->windows, counts, first);
}

void gate_windows_init(struct gate_windows *windows, const struct run *run,
                       const struct roster *roster, const struct history *history)
{
    *windows = (struct gate_windows){0};
    find_weights(windows, run);
    find_off(windows, roster);
    windows->there = roster->gate_samples;
    windows->taken = mem_new(windows->n_sources, sizeof *windows->taken);
    uint32_t *counts = mem_new(windows->n_sources, sizeof *counts);
    uint64_t *first = mem_new(windows->n_sources, sizeof *first);
    for (size_t i = 0; i < history->n; i++) {
        retake(windows, &history->entries[i].forward, counts, first);
        retake(windows, &history->entries[i].reverse, counts, first);
    }
    free(first);
    free(counts);
}

void gate_windows_clear(struct gate_windows *windows)
{
    free(windows->weights);
    free(windows->taken);
    free(windows->off);
    *windows = (struct gate_windows){0};
}

void gate_windows_draw(struct gate_windows *windows, uint32_t n, uint32_t *counts, uint64_t *first)
{
    gate_share_windows(counts, windows->weights, windows->n_sources, n);
    for (size_t s = 0; s < windows->n_sources; s++) {
        const uint64_t there = windows->there[s], read = there ? windows->taken[s] % there : 0;
        if (read && read + counts[s] > there)
            windows->taken[s] += there - read;
        first[s] = windows->taken[s];
        windows->taken[s] += counts[s];
    }
}
