/* What the pairs of one change say of its gain: a posterior, from which changes are adopted, closed
 * and taken back. Pure functions of recorded numbers.
 *
 * The gain has the prior N(0, tau^2), the variance of a pair a scaled inverse chi-square prior. Its
 * scale follows from the variance of the windows, so one pair has a scale too. Between pairs the
 * variance is that of successive differences: a gain that falls from stretch to stretch is a trend,
 * not noise. All pairs are against one recipe of the trunk. */
#pragma once
#include "coordinator/gate/rule.h"

#include <stdbool.h>
#include <stdint.h>

/* One pair. */
struct gain {
    double x;         /* loss of the old recipe less that of the new, less the margin; nats */
    double u;         /* variance of the windows' differences over the slice */
    uint32_t windows; /* of the slice */
};

struct posterior {
    double vn;   /* variance between successive pairs; 0 of one */
    double v;    /* variance of a pair */
    double mean; /* of the pairs' gains */
    double f;    /* part of the mean that is believed */
    double m, s;
    unsigned nu;
    double p; /* probability that the gain is above 0; 0 where v is 0: the pairs say nothing */
};

/* n >= 1 finite pairs, in their order. slow: the change's class, which sets the prior scale. */
struct posterior posterior_of(const struct rule *rule, const struct gain *pairs, unsigned n,
                              bool slow);
