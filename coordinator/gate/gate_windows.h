/* The windows of the gate part, by which experiments are judged: how the sources are weighted,
 * whether there are enough windows, and which were read. Every pair reads fresh ones, each source's
 * in a secret order, which is shuffled anew once all were read. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct history;
struct roster;
struct run;

struct gate_windows {
    double *weights; /* one a source; not all 0 */
    size_t n_sources;
    uint64_t *taken;       /* windows of each source that pairs have read, or passed over */
    const uint64_t *there; /* windows that each source has; borrowed from the roster */
    char *off;             /* why no experiment can be judged by it; NULL: it can */
};

/* weights: run_gate_weights. taken: windows read by the pairs of the history. */
void gate_windows_init(struct gate_windows *windows, const struct run *run,
                       const struct roster *roster, const struct history *history);
void gate_windows_clear(struct gate_windows *windows);

/* Draws n fresh windows: the number of each source, and the number of the first of each. Those of a
 * source are of one shuffle, so none is there twice: the rest of the one before is passed over. */
void gate_windows_draw(struct gate_windows *windows, uint32_t n, uint32_t *counts, uint64_t *first);
