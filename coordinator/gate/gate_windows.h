/* The windows of the gate part, by which experiments are judged: how the sources are weighted,
 * whether there are enough windows, and which are next. Every stretch reads fresh ones, each
 * source's in a secret order, which is shuffled anew once all were read. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;
struct roster;
struct run;

struct gate_windows {
    double *weights; /* one a source; not all 0 */
    size_t n_sources;
    const uint64_t *there; /* windows that each source has; borrowed from the roster */
    char *off;             /* why no experiment can be judged by it; NULL: it can */
};

/* weights: run_gate_weights. roster: only what it says of the sources' windows is read. */
void gate_windows_init(struct gate_windows *windows, const struct run *run,
                       const struct roster *roster);

/* The same with the weights themselves, one a source of the roster. */
void gate_windows_of(struct gate_windows *windows, const double *weights,
                     const struct roster *roster);
void gate_windows_clear(struct gate_windows *windows);

/* The next n windows after those that the history says were taken: the number of each source, and
 * the number of the first of each. Those of a source are of one shuffle, so none is there twice:
 * the rest of the one before is passed over. */
void gate_windows_draw(const struct gate_windows *windows, const struct history *history,
                       uint32_t n, uint32_t *counts, uint64_t *first);

/* Whether stretches that read so many windows each, one after the other, would read none that a
 * stretch has read before. Each shares its windows out by itself, so sums do not tell. */
bool gate_windows_are_fresh(const struct gate_windows *windows, const struct history *history,
                            const uint32_t *slices, size_t n);

/* The most windows of which none is there twice. */
uint32_t gate_windows_max(const struct gate_windows *windows);

/* Shares n windows out among the sources by their weights: largest remainder, ties to the lowest
 * source. A source with weight 0 gets none. The weights are finite and not all 0. */
void gate_share_windows(uint32_t *counts, const double *weights, size_t n_sources, uint32_t n);
