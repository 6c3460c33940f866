#include "coordinator/attempt.h"

const struct attempt *attempt_open(const struct entry *e, bool *reverse)
{
    *reverse = e->fate == FATE_PROMOTED && e->reverse.plan;
    return *reverse ? &e->reverse : e->fate == FATE_OPEN ? &e->forward : NULL;
}

uint64_t attempt_next_start(const struct attempt *a)
{
    return a->plan->start + a->n_pairs * a->plan->horizon;
}
