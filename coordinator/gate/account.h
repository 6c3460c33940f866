/* The account of a run's tokens: what experiments may cost, and how long the trunk becomes. What
 * they do not spend, the trunk trains on. Pure.
 *
 * B tokens, those that were asked for, buy everything. Two bounds: experiments cost at most a share
 * of B; the planners' arms at most a stake since the last adoption, so what a run in which nothing
 * is adopted loses by them is bounded. */
#pragma once
#include "coordinator/gate/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All in tokens, but for the step. */
struct account {
    double all;         /* B */
    double spent;       /* E: by all experiments so far */
    double since;       /* E_s: the part of it that planners' arms caused since the last adoption */
    uint64_t step;      /* of the trunk */
    double trained;     /* T: by the trunk so far */
    double step_tokens; /* of its steps as they are now */
};

/* The trunk's planned length in steps, S: what is left after experiments, at the present size of a
 * step. With nothing spent it is the length that was asked for. */
uint64_t account_length(const struct account *account);

/* An arm of the next stretch. */
struct account_arm {
    double cost;  /* with its tail and its reading */
    double m;     /* posterior mean of its gain; 0: not measured */
    bool planner; /* a planner's forward arm: it counts against the stake */
    bool claim;   /* the reverse arm of an open claim, whose watch is over */
    bool watch;   /* of an adoption that is not kept yet: it goes on in any case */
    bool dropped; /* filled in: there is no money for it */
};

/* What the arms that are not dropped cost with `fixed` (of which each has an equal part); and the
 * part of it that planners' arms cause. */
double account_price(const struct account_arm *arms, size_t n, double fixed);
double account_planners_price(const struct account_arm *arms, size_t n, double fixed);

/* Whether a stretch of the arms that are not dropped may begin. */
bool account_affords(const struct rule *rule, const struct account *account,
                     const struct account_arm *arms, size_t n, double fixed);

/* Tokens of a run that could pay for a stretch of this arm alone, with nothing spent before. */
double account_needs(const struct rule *rule, const struct account_arm *arm, double fixed);

/* Drops arms until the rest is affordable: the smallest m first (ties: the last), then a claim;
 * never a watch. Returns how many are left. */
size_t account_fit(const struct rule *rule, const struct account *account, struct account_arm *arms,
                   size_t n, double fixed);

/* Tokens that planners' arms may still cost before something is adopted; not below 0. */
double account_left(const struct rule *rule, const struct account *account);
