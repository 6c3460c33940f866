/* Drawn gains of a hypothesis that gains nothing, by several models, and intervals of shares. */
#pragma once
#include "base/random.h"

#include <math.h>
#include <stdint.h>

enum { PAIRS = 8 /* of a hypothesis or a claim, at most */ };

struct noise {
    uint64_t key, next;
};

static inline double normal(struct noise *noise)
{
    return random_normal(noise->key, noise->next++);
}

/* A row's own numbers: rows do not change when one is added. */
static inline struct noise noise_of(uint64_t row)
{
    return (struct noise){.key = random_u64(20250101, row)};
}

/* Gains of a hypothesis that gains nothing: mean 0, sd about 1. */
typedef void (*draw_fn)(double x[PAIRS], struct noise *noise);

static inline void draw_normal(double x[PAIRS], struct noise *noise)
{
    for (unsigned j = 0; j < PAIRS; j++)
        x[j] = normal(noise);
}

static inline double chi_square(struct noise *noise, unsigned nu)
{
    double sum = 0;
    for (unsigned i = 0; i < nu; i++) {
        double z = normal(noise);
        sum += z * z;
    }
    return sum;
}

static inline void draw_heavy_tails(double x[PAIRS], struct noise *noise)
{
    for (unsigned j = 0; j < PAIRS; j++) {
        double z = normal(noise);
        // Student's t with 3 degrees of freedom, scaled to sd 1
        x[j] = z / sqrt(chi_square(noise, 3));
    }
}

static inline void draw_growing_sd(double x[PAIRS], struct noise *noise)
{
    for (unsigned j = 0; j < PAIRS; j++)
        x[j] = pow(4, j / (PAIRS - 1.0)) * normal(noise);
}

static inline void draw_shrinking_sd(double x[PAIRS], struct noise *noise)
{
    for (unsigned j = 0; j < PAIRS; j++)
        x[j] = pow(4, -(j / (PAIRS - 1.0))) * normal(noise);
}

static inline void draw_correlated(double x[PAIRS], struct noise *noise, double lag_1)
{
    x[0] = normal(noise);
    for (unsigned j = 1; j < PAIRS; j++)
        x[j] = lag_1 * x[j - 1] + sqrt(1 - lag_1 * lag_1) * normal(noise);
}

static inline void draw_alternating(double x[PAIRS], struct noise *noise)
{
    draw_correlated(x, noise, -0.2);
}

static inline void draw_following(double x[PAIRS], struct noise *noise)
{
    draw_correlated(x, noise, 0.2);
}

/* Many small gains and fewer, larger losses: a chi-square turned round has the skew -sqrt(8/nu). */
static inline void draw_skewed(double x[PAIRS], struct noise *noise, unsigned nu)
{
    for (unsigned j = 0; j < PAIRS; j++)
        x[j] = (nu - chi_square(noise, nu)) / sqrt(2.0 * nu);
}

static inline void draw_skewed_a_little(double x[PAIRS], struct noise *noise)
{
    draw_skewed(x, noise, 22);
}

static inline void draw_skewed_much(double x[PAIRS], struct noise *noise)
{
    draw_skewed(x, noise, 3);
}

static inline void draw_exponential(double x[PAIRS], struct noise *noise)
{
    draw_skewed(x, noise, 2);
}

struct interval {
    double low, high;
};

/* Wilson's 95 % interval of a share; of a mean of numbers from 0 to 1 it is too wide, if anything.
 */
static inline struct interval wilson(double share, double n)
{
    const double z = 1.959964;
    double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    return (struct interval){middle - half, middle + half};
}
