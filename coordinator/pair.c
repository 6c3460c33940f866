#include "coordinator/pair.h"

#include "base/check.h"
#include "coordinator/gate.h"
#include "coordinator/trial.h"

#include <stdlib.h>

void pair_free(struct pair *pair)
{
    if (!pair)
        return;
    free(pair->counts);
    free(pair->first);
    free(pair->arms[ARM_TRUNK].sums);
    free(pair->arms[ARM_FORK].sums);
    free(pair);
}

void windows_take(struct windows *windows, uint32_t n, uint32_t *counts, uint64_t *first)
{
    gate_share_windows(counts, windows->weights, windows->n_sources, n);
    for (size_t s = 0; s < windows->n_sources; s++) {
        first[s] = windows->taken[s];
        windows->taken[s] += counts[s];
    }
}

uint64_t pair_steps(uint64_t steps, const Trireme__Run *trunk, const Trireme__Run *fork)
{
    uint64_t tokens = steps * trial_step_tokens(trunk), own = trial_step_tokens(fork);
    ASSERT(tokens % own == 0);
    return tokens / own;
}
