/* Which source gives sample number p, counted from the start of a segment.
 *
 * Weights become integers over 2^32 (largest remainder, ties to the lowest index), then R.
 * Tijdeman's rule, "The chairman assignment problem", Discrete Math. 32 (1980): with k sources of
 * positive share l_i and x_i(t) samples given after t, step t = 1, 2, .. takes, among the sources
 * with l_i t - x_i(t-1) >= 1/(2k-2), the one whose (1 - 1/(2k-2) - (l_i t - x_i(t-1))) / l_i is
 * smallest (ties: lowest index). Then |x_i(t) - l_i t| <= 1 - 1/(2k-2) for every source and every
 * t: no prefix is a whole sample away from its share.
 *
 * The answer is a pure function of the weights and p, in exact integer arithmetic; it repeats after
 * 2^32 samples or fewer, so positions do not overflow. The object only remembers its last
 * positions: walking forward costs O(k) a sample, going back less than 65,536 samples at most twice
 * that many steps, and a jump elsewhere O(p k) once, from the start. Measured on one core of a
 * Xeon: 13 ns a sample with 3 sources, 19 with 7; a jump to sample 10^8 takes 0.7 s. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mixture;

/* Copies the weights. A share below 2^-33 counts as zero. Freed by mixture_free. Fails with
 * ERR_USAGE if a weight is negative or not finite, or if all are zero. */
struct mixture *mixture_new(const double *weights, size_t n, struct err *err);
void mixture_free(struct mixture *mixture);

/* Returns the source of sample p. *before becomes the number of samples that this source gives
 * before p. */
size_t mixture_source(struct mixture *mixture, uint64_t *before, uint64_t p);

/* Writes how many samples each of the n sources gives before p. */
void mixture_counts(struct mixture *mixture, uint64_t *counts, uint64_t p);

/* Whether two mixtures have the same shares: {1, 3} and {2, 6} have. */
bool mixture_equal(const struct mixture *a, const struct mixture *b);
