#include "coordinator/pair.h"

#include "base/check.h"
#include "coordinator/trial.h"

#include <stdlib.h>

void pair_free(struct pair *pair)
{
    if (!pair)
        return;
    free(pair->no_room);
    free(pair->counts);
    free(pair->first);
    free(pair->arms[ARM_TRUNK].sums);
    free(pair->arms[ARM_FORK].sums);
    free(pair);
}

uint64_t pair_steps(uint64_t steps, const Trireme__Run *trunk, const Trireme__Run *fork)
{
    uint64_t tokens = steps * trial_step_tokens(trunk), own = trial_step_tokens(fork);
    ASSERT(tokens % own == 0);
    return tokens / own;
}
