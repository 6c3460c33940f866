/* The learning rate of a step: a pure function of the schedule and the step's number. */
#pragma once
#include <stdint.h>

enum schedule_kind { SCHEDULE_COSINE, SCHEDULE_LINEAR, SCHEDULE_CONSTANT };

struct schedule {
    enum schedule_kind kind;
    double lr, min_lr;
    uint64_t warmup;
    double steps; /* of the whole run; no whole number where its length was set in tokens */
};

/* Returns the learning rate of step s, counted from 0. s may lie between two whole steps, after the
 * size of a step has changed. The rate is lr*(s+1)/warmup while s < warmup; then it goes from lr to
 * min_lr over the remaining steps (Loshchilov and Hutter, "SGDR", ICLR 2017, for the cosine). After
 * the last step: min_lr. */
double schedule_lr(const struct schedule *schedule, double step);
