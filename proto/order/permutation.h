/* A keyed permutation of [0, n): the order of a source's windows in one epoch.
 *
 * A Feistel network on the next power of two with an even number of bits, repeated until the image
 * is below n (fewer than four turns on average). Index in, image out: no table, no state, so
 * samples can be computed in any order. Equal on all machines. Black and Rogaway, "Ciphers with
 * arbitrary finite domains", CT-RSA 2002, section 4. */
#pragma once
#include <stdint.h>

#define PERMUTATION_MAX ((uint64_t)1 << 62)

/* Key of epoch number `epoch` of the source with that name. */
uint64_t permutation_key(uint64_t seed, const char *source, uint64_t epoch);

/* Image of index < n, 1 <= n <= PERMUTATION_MAX. */
uint64_t permutation_at(uint64_t key, uint64_t n, uint64_t index);
