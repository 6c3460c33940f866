#include "proto/order/permutation.h"

#include "base/check.h"
#include "base/digest.h"
#include "base/random.h"

enum { ROUNDS = 8 }; /* four suffice for large n; tiny ones mix well only with more */

uint64_t permutation_key(uint64_t seed, const char *source, uint64_t epoch)
{
    return random_u64(digest_key(digest_key(seed, "order"), source), epoch);
}

static uint64_t feistel(uint64_t key, int half_bits, uint64_t index)
{
    const uint64_t mask = ((uint64_t)1 << half_bits) - 1;
    uint64_t left = index >> half_bits, right = index & mask;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t mixed = left ^ (random_u64(key, round << 32 | right) & mask);
        left = right;
        right = mixed;
    }
    return left << half_bits | right;
}

uint64_t permutation_at(uint64_t key, uint64_t n, uint64_t index)
{
    ASSERT(n >= 1 && n <= PERMUTATION_MAX && index < n);
    int half_bits = 1;
    while ((uint64_t)1 << 2 * half_bits < n)
        half_bits++;
    do
        index = feistel(key, half_bits, index);
    // ends: the walk is a cycle through the index that it began with, which is below n
    while (index >= n);
    return index;
}
