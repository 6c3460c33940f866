/* Counter-based random numbers: a pure function of (key, counter), so there is no generator state
 * to save and the numbers can be computed in any order. Philox4x32-10: Salmon et al., "Parallel
 * random numbers: as easy as 1, 2, 3", SC 2011. */
#pragma once
#include <stdint.h>

/* Four 32-bit words for a 64-bit key and a 128-bit counter {low, high}. */
void random_block(uint32_t out[4], uint64_t key, uint64_t low, uint64_t high);

/* Uniform 64-bit number of (key, index). */
uint64_t random_u64(uint64_t key, uint64_t index);

/* Uniform in [0, 1), 53 bits. */
double random_uniform(uint64_t key, uint64_t index);

/* Standard normal number of (key, index): Box and Muller's cosine branch, in double. */
double random_normal(uint64_t key, uint64_t index);
