/* The text that judges: how the sources' gate parts are weighted, whether they are large enough,
 * and which of their windows were read. Every pair reads fresh ones, each source's in an order that
 * no planner knows, shuffled anew once all were read. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct history;
struct roster;
struct run;

struct gate_windows {
    double *weights; /* one a source; not all 0 */
    size_t n_sources;
    uint64_t *taken; /* windows of each source that pairs have read */
    char *off;       /* why no experiment can be judged by it; NULL: it can */
};

/* Weights from gate.weights (run_config has checked them), or the shares at the start of the run;
 * windows read by the pairs that the history knows of. */
void gate_windows_init(struct gate_windows *windows, const struct run *run,
                       const struct roster *roster, const struct history *history);
void gate_windows_clear(struct gate_windows *windows);

/* Takes n fresh windows: how many of each source, and the number of the first of each. */
void gate_windows_draw(struct gate_windows *windows, uint32_t n, uint32_t *counts, uint64_t *first);
