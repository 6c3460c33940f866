/* A stretch: forks and the trunk train side by side on the same samples; then each a tail in which
 * its rate falls to 0, on a side branch; then all are read on one slice of gate windows. It ends in
 * decisions. How long it is, who takes part, and what it costs. Pure.
 *
 * Changes are of two kinds. A calm one lowers the rate or the noise: at first it looks better than
 * it is, so its stretches are longer and its tails as long as they. All others are plain. The kinds
 * do not share a stretch. */
#pragma once
#include "coordinator/gate/rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stretch_kind { STRETCH_PLAIN, STRETCH_CALM };

/* Steps are the trunk's. */
struct stretch {
    uint64_t start, horizon, tail;
    uint32_t windows; /* that each arm reads */
};

/* The first step at which a stretch may begin; the grid on which one begins where the trunk ran on
 * alone. */
enum { STRETCH_GRID = 10 };
uint64_t stretch_first(const struct rule *rule, uint64_t warmup);

/* Whether no hypothesis is tried any more at `step` of a planned length. */
bool stretch_is_late(const struct rule *rule, uint64_t step, uint64_t length);

/* The stretch that begins at `start` >= 1. step_tokens: of the trunk, then of each other arm: all
 * have whole steps in it and in the tail, and equal tokens. batch: the trunk's. */
struct stretch stretch_of(enum stretch_kind kind, uint64_t start, uint32_t batch,
                          const uint64_t *step_tokens, size_t n);

/* Whether it ends, with its tail, within the planned length. */
bool stretch_fits(const struct stretch *stretch, uint64_t length);

/* Tokens that an arm costs beside the trunk, with its tail and its reading (at a third of a token);
 * and those of the trunk's own tail and reading, once a stretch. context: tokens of a window. */
double stretch_arm_tokens(const struct stretch *stretch, uint64_t step_tokens, uint32_t context);
double stretch_fixed_tokens(const struct stretch *stretch, uint64_t step_tokens, uint32_t context);

/* Who might take part. */
struct stretch_candidate {
    uint32_t number;
    enum stretch_kind kind;
    bool open;     /* has pairs already */
    bool returned; /* was a rival of what was adopted, and begins anew */
    bool slow;
};

/* The kind of the next stretch: that of the watch or claim that goes on (has_watch), else plain if
 * any candidate is. */
enum stretch_kind stretch_next_kind(const struct stretch_candidate *candidates, size_t n,
                                    bool has_watch, enum stretch_kind watch);

/* Chooses at most `forks` candidates of that kind: open ones, returned ones, slow ones, fast ones;
 * within these the order given, which is the planner's. Writes their places, returns how many. */
size_t stretch_choose(size_t *chosen, size_t forks, enum stretch_kind kind,
                      const struct stretch_candidate *candidates, size_t n);
