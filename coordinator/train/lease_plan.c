#include "coordinator/train/lease_plan.h"

#include "base/check.h"

void lease_plan(struct leaf_range *ranges, size_t n_workers, const bool *active, uint32_t n_leaves)
{
    uint32_t n_active = 0, nth = 0, first = 0;
    for (size_t w = 0; w < n_workers; w++)
        n_active += active[w];
    ASSERT(n_active > 0);
    for (size_t w = 0; w < n_workers; w++) {
        uint32_t count = active[w] ? n_leaves / n_active + (nth < n_leaves % n_active) : 0;
        ranges[w] = (struct leaf_range){.first = first, .count = count};
        first += count;
        nth += active[w];
    }
}
