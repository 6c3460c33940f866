#include "coordinator/gate/gate_windows.h"

#include "base/check.h"
#include "base/mem.h"
#include "coordinator/ledger/history.h"
#include "coordinator/run/run.h"
#include "coordinator/train/roster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEV_WINDOWS_MIN = 64, GATE_WINDOWS_MIN = 256, SEALED_WINDOWS_MIN = 256 };

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

void gate_windows_of(struct gate_windows *windows, const double *weights,
                     const struct roster *roster)
{
    *windows = (struct gate_windows){.n_sources = roster->n_sources, .there = roster->gate_samples};
    windows->weights = mem_new(windows->n_sources, sizeof *windows->weights);
    memcpy(windows->weights, weights, windows->n_sources * sizeof *windows->weights);
    find_off(windows, roster);
}

void gate_windows_init(struct gate_windows *windows, const struct run *run,
                       const struct roster *roster)
{
    gate_windows_of(windows, run_gate_weights(run), roster);
}

void gate_windows_clear(struct gate_windows *windows)
{
    free(windows->weights);
    free(windows->off);
    *windows = (struct gate_windows){0};
}

void gate_share_windows(uint32_t *counts, const double *weights, size_t n_sources, uint32_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n_sources; i++)
        sum += weights[i];
    ASSERT(sum > 0 && isfinite(sum));
    uint32_t left = n;
    for (size_t i = 0; i < n_sources; i++) {
        counts[i] = (uint32_t)(n * (weights[i] / sum));
        left -= counts[i];
    }
    // What is left is the sum of the remainders, each below one: nobody gets two, and nobody
    // without a remainder gets one.
    for (; left > 0; left--) {
        size_t next = n_sources;
        double largest = 0;
        for (size_t i = 0; i < n_sources; i++) {
            double remainder = n * (weights[i] / sum) - counts[i]; // below 0 for who has had one
            if (remainder > largest) {
                next = i;
                largest = remainder;
            }
        }
        ASSERT(next < n_sources);
        counts[next]++;
    }
}

/* Where the windows of a slice begin: the rest of a shuffle that is too short is passed over. */
static uint64_t begin_of(uint64_t taken, uint64_t there, uint32_t count)
{
    const uint64_t read = there ? taken % there : 0;
    return read && read + count > there ? taken + there - read : taken;
}

static uint64_t taken_of(const struct history *history, size_t s)
{
    return s < history->n_windows_taken ? history->windows_taken[s] : 0;
}

void gate_windows_draw(const struct gate_windows *windows, const struct history *history,
                       uint32_t n, uint32_t *counts, uint64_t *first)
{
    gate_share_windows(counts, windows->weights, windows->n_sources, n);
    for (size_t s = 0; s < windows->n_sources; s++)
        first[s] = begin_of(taken_of(history, s), windows->there[s], counts[s]);
}

bool gate_windows_are_fresh(const struct gate_windows *windows, const struct history *history,
                            const uint32_t *slices, size_t n)
{
    uint32_t *counts = mem_new(windows->n_sources, sizeof *counts);
    uint64_t *total = mem_new(windows->n_sources, sizeof *total);
    bool fresh = true;
    for (size_t i = 0; i < n; i++) {
        gate_share_windows(counts, windows->weights, windows->n_sources, slices[i]);
        for (size_t s = 0; s < windows->n_sources; s++)
            total[s] += counts[s];
    }
    for (size_t s = 0; s < windows->n_sources; s++)
        if (total[s] && taken_of(history, s) + total[s] > windows->there[s])
            fresh = false;
    free(total);
    free(counts);
    return fresh;
}

uint32_t gate_windows_max(const struct gate_windows *windows)
{
    double sum = 0, max = UINT32_MAX;
    if (windows->n_sources == 1) // exactly: n * w / w may round below n
        return windows->there[0] < UINT32_MAX ? (uint32_t)windows->there[0] : UINT32_MAX;
    for (size_t s = 0; s < windows->n_sources; s++)
        sum += windows->weights[s];
    for (size_t s = 0; s < windows->n_sources; s++)
        if (windows->weights[s] > 0 && (double)windows->there[s] * sum / windows->weights[s] < max)
            max = (double)windows->there[s] * sum / windows->weights[s];
    return (uint32_t)max;
}
