/* What the bench says of several seeds: means with their 95 % intervals. Pure.
 *
 * Pairs of numbers are of the same seed: x, what a planner is lower than no experiments; y, what
 * the oracle is. The share of the oracle's gain that is recovered is mean(x)/mean(y), not a mean of
 * quotients, which one seed with a small y could govern. Its interval is Fieller's: all shares rho
 * for which Student's t does not reject that x - rho y has mean 0. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct interval {
    double mean;
    bool bounded; /* low and high are there */
    double low, high;
};

/* The mean of n >= 1 numbers and Student's interval. Not bounded for n = 1. */
struct interval bench_mean(const double *x, size_t n);

/* mean(x)/mean(y) of n >= 1 pairs, and Fieller's interval. Not bounded for n = 1, and where mean(y)
 * cannot be told from 0. */
struct interval bench_quotient(const double *x, const double *y, size_t n);
