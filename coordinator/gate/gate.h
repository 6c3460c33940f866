/* The gate: how a change is judged. Pure functions of recorded losses.
 *
 * A hypothesis is tried in staggered pairs: pair j forks from the trunk at step start + j*horizon,
 * and its gain, in nats a token, on the same fresh windows of the gate part, is
 *     x_j = L(trunk) - L(fork) - margin
 * At looks of n = 3, 4, 6 and 8 pairs Student's t of the gains is compared with a share of the
 * hypothesis' error budget; the budgets of a campaign's hypotheses follow LOND (Javanmard and
 * Montanari, "Online rules for control of false discovery rate and false discovery exceedance",
 * Ann. Stat. 46, 2018) with a flat sequence. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GATE_PAIRS_MAX = 8, GATE_PAIRS_MIN = 4, GATE_HORIZON_MIN = 20 };

enum gate_answer {
    GATE_OPEN,
    GATE_PROMOTE,
    GATE_REJECT,
    GATE_INCONCLUSIVE,
    GATE_VOID, /* no spread at all: no verdict */
};

struct gate_judgement {
    enum gate_answer answer;
    double mean, t; /* of the gains; t is 0 where the answer is GATE_VOID */
    double s2, w2;  /* variance of the gains between pairs; mean variance that the choice of windows
                       explains */
};

/* Upper tail of Student's t with nu >= 1 degrees of freedom, exact for whole nu. */
double gate_tail(double t, unsigned nu);

/* Error budget of the next hypothesis. */
double gate_alpha(double alpha, unsigned hypotheses, unsigned promotions);

/* Whether the rule is asked after n pairs of a hypothesis that has at most `pairs` (4 to 8): at the
 * looks up to there, and after the last pair. If the last pair is no look (5, 7), nothing more is
 * tested: the answer is GATE_INCONCLUSIVE. */
bool gate_is_look(unsigned n, unsigned pairs);

/* The rule after n pairs. x: gains with the margin taken off; w: variances of the windows' mean
 * differences; one a pair. GATE_OPEN between looks. A number that is not finite (divergence) gives
 * GATE_REJECT at a look; mean or t is then not finite either. */
struct gate_judgement gate_judge(const double *x, const double *w, unsigned n, unsigned pairs,
                                 double alpha, double beta);

/* The first step at which a hypothesis may begin: after the warmup and after an eighth of the run,
 * rounded up. */
uint64_t gate_first_start(uint64_t steps, uint64_t warmup);

/* Steps of a stretch that begins at `start`, and of its tail (0 in the fast class). */
uint64_t gate_horizon(bool slow, uint64_t start);
uint64_t gate_tail_steps(bool slow, uint64_t horizon);

/* Gate windows that each arm of a pair reads. */
uint32_t gate_window_count(uint64_t horizon, uint32_t batch);

/* Number of pairs that fit between start and steps, at most GATE_PAIRS_MAX. */
unsigned gate_pairs(uint64_t start, uint64_t horizon, uint64_t steps);

enum gate_confirmation { GATE_CONFIRMED, GATE_UNCONFIRMED, GATE_ROLL_BACK };
struct gate_gain {
    enum gate_confirmation answer;
    double mean,
        half_width; /* mean +- half_width: 95 % interval, the only gain that is ever published */
};

/* The rule for a promotion after its four reverse pairs. y: gains L(old recipe) - L(trunk), margin
 * not taken off. If one is not finite: GATE_UNCONFIRMED, and neither number is finite. */
struct gate_gain gate_confirm(const double y[4], double margin);

/* Shares n windows out among the sources by their weights: largest remainder, ties to the lowest
 * source. A source with weight 0 gets none. The weights are finite and not all 0. */
void gate_share_windows(uint32_t *counts, const double *weights, size_t n_sources, uint32_t n);
