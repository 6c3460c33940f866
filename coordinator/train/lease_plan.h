/* Which leaves of a step go to which worker: consecutive ranges of nearly equal length. It is a
 * pure function, so a plan may change at any step boundary; the sum tree keeps the result the same.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct leaf_range {
    uint32_t first, count;
};

/* Fills ranges[0..n_workers). The active workers share the leaves; where these do not divide, the
 * first ones get one more. count is 0 for the others, and for workers after the last leaf. */
void lease_plan(struct leaf_range *ranges, size_t n_workers, const bool *active, uint32_t n_leaves);
