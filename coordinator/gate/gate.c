#include "coordinator/gate/gate.h"

#include "base/check.h"

#include <math.h>

// clang-format off
static const struct look {
    unsigned n;
    double share; // of both error budgets
    bool drops;   // a hypothesis that is not ahead by now is not worth the rest of its pairs
} looks[] = {
    {3, 0.1, false},
    {4, 0.2, true },
    {6, 0.3, true },
    {8, 0.4, false},
};
// clang-format on

static const double PI = 3.14159265358979323846;

double gate_tail(double t, unsigned nu)
{
    ASSERT(nu >= 1);
    double theta = atan(t / sqrt((double)nu)), s = sin(theta), c = cos(theta);
    double term, within; // within: P(|T| < t), with the sign of t
    if (nu % 2 == 0) {
        term = within = s;
        for (unsigned k = 2; k + 2 <= nu; k += 2)
            within += term *= c * c * (k - 1) / k;
    } else {
        term = s * c;
        within = nu > 1 ? theta + term : theta;
        for (unsigned k = 3; k + 2 <= nu; k += 2)
            within += term *= c * c * (k - 1) / k;
        within *= 2 / PI;
    }
    return (1 - within) / 2;
}

double gate_alpha(double alpha, unsigned hypotheses, unsigned promotions)
{
    ASSERT(hypotheses >= 1);
    return alpha / hypotheses * (1 + promotions);
}

static const struct look *look_at(unsigned n)
{
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (looks[i].n == n)
            return &looks[i];
    return NULL;
}

bool gate_is_look(unsigned n, unsigned pairs)
{
    return n == pairs || (n < pairs && look_at(n));
}

/* Mean, and variance of the sample (0 of one number). Numbers that are all the same have the
 * variance 0, not what rounding their sum leaves: hence the differences from the first. */
static double spread(double *mean, const double *x, unsigned n)
{
    double sum = 0, squares = 0;
    for (unsigned j = 0; j < n; j++)
        sum += x[j] - x[0];
    double shift = sum / n;
    for (unsigned j = 0; j < n; j++)
        squares += (x[j] - x[0] - shift) * (x[j] - x[0] - shift);
    *mean = x[0] + shift;
    return n > 1 ? squares / (n - 1) : 0;
}

static enum gate_answer decide(const struct gate_judgement *found, double v, unsigned n,
                               unsigned pairs, double alpha, double beta)
{
    if (!isfinite(found->mean) || !isfinite(v))
        return GATE_REJECT;
    if (v == 0)
        return GATE_VOID;
    const struct look *look = look_at(n);
    if (look && gate_tail(found->t, n - 1) <= alpha * look->share)
        return GATE_PROMOTE;
    if (look && gate_tail(-found->t, n - 1) <= beta * look->share)
        return GATE_REJECT;
    if (n == pairs || (look->drops && found->mean <= 0))
        return GATE_INCONCLUSIVE;
    return GATE_OPEN;
}

struct gate_judgement gate_judge(const double *x, const double *w, unsigned n, unsigned pairs,
                                 double alpha, double beta)
{
    ASSERT(n >= 1 && n <= pairs);
    struct gate_judgement found = {.answer = GATE_OPEN};
    found.s2 = spread(&found.mean, x, n);
    for (unsigned j = 0; j < n; j++)
        found.w2 += w[j] / n;
    // not fmax, which passes over what is not a number
    double v = found.s2 >= found.w2 ? found.s2 : found.w2;
    if (v != 0)
        found.t = found.mean / sqrt(v / n);
    if (gate_is_look(n, pairs))
        found.answer = decide(&found, v, n, pairs, alpha, beta);
    return found;
}

uint64_t gate_first_start(uint64_t steps, uint64_t warmup)
{
    uint64_t eighth = steps / 8 + (steps % 8 != 0);
    return warmup > eighth ? warmup : eighth;
}

uint64_t gate_horizon(bool slow, uint64_t start)
{
    uint64_t steps = start / (slow ? 4 : 8);
    return steps > GATE_HORIZON_MIN ? steps : GATE_HORIZON_MIN;
}

uint64_t gate_tail_steps(bool slow, uint64_t horizon)
{
    return slow ? horizon / 2 : 0;
}

uint32_t gate_window_count(uint64_t horizon, uint32_t batch)
{
    const uint64_t least = 128, most = 1024;
    uint64_t quarter = horizon * batch / 4;
    return (uint32_t)(quarter < least ? least : quarter > most ? most : quarter);
}

unsigned gate_pairs(uint64_t start, uint64_t horizon, uint64_t steps)
{
    ASSERT(horizon >= 1);
    uint64_t fit = start < steps ? (steps - start) / horizon : 0;
    return fit < GATE_PAIRS_MAX ? (unsigned)fit : GATE_PAIRS_MAX;
}

struct gate_gain gate_confirm(const double y[4], double margin)
{
    const double two_sided = 3.182, one_sided = 2.353; // Student's t, 3 degrees of freedom, 5 %
    struct gate_gain gain = {.answer = GATE_UNCONFIRMED};
    double error = sqrt(spread(&gain.mean, y, 4)) / 2;
    gain.half_width = two_sided * error;
    if (gain.mean + one_sided * error < margin)
        gain.answer = GATE_ROLL_BACK;
    else if (gain.mean - one_sided * error > 0)
        gain.answer = GATE_CONFIRMED;
    return gain;
}

void gate_share_windows(uint32_t *counts, const double *weights, size_t n_sources, uint32_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n_sources; i++)
        sum += weights[i];
    ASSERT(sum > 0 && isfinite(sum));
    uint32_t left = n;
    for (size_t i = 0; i < n_sources; i++) {
        counts[i] = (uint32_t)(n * (weights[i] / sum));
        left -= counts[i];
    }
    // What is left is the sum of the remainders, each below one: nobody gets two, and nobody
    // without a remainder gets one.
    for (; left > 0; left--) {
        size_t next = n_sources;
        double largest = 0;
        for (size_t i = 0; i < n_sources; i++) {
            double remainder = n * (weights[i] / sum) - counts[i]; // below 0 for who has had one
            if (remainder > largest) {
                next = i;
                largest = remainder;
            }
        }
        ASSERT(next < n_sources);
        counts[next]++;
    }
}
