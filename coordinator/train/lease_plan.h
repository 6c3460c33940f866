/* Which leaves of a step go to which worker: consecutive ranges, as even as can be. A pure
 * function, so that a plan may change at any step boundary; the sum tree sees to it that the result
 * does not. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leaf_range {
    uint32_t first, count;
};

/* Fills ranges[0..n_workers): the workers for which active is true share the leaves, the first ones
 * get one more where they do not divide; count is 0 for the others, and for those that come after
 * the last leaf. */
void lease_plan(struct leaf_range *ranges, size_t n_workers, const bool *active, uint32_t n_leaves);
