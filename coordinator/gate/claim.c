#include "coordinator/gate/claim.h"

#include "base/check.h"
#include "coordinator/gate/student.h"

#include <math.h>

enum { PROOF_STRETCHES = 4 };

double claim_alpha(const struct rule *rule, unsigned registered, unsigned made)
{
    const double t = registered + 1.0;
    return rule->alpha / (t * (t + 1)) * (1 + made);
}

bool claim_pays(const struct rule *rule, double m, double stretch, double all)
{
    return rule->price * PROOF_STRETCHES * stretch / all <= rule->proof * m;
}

/* Place of the look after n pairs, or RULE_LOOKS. */
static unsigned look_at(const struct rule *rule, unsigned n)
{
    unsigned i = 0;
    while (i < RULE_LOOKS && rule->looks[i] != n)
        i++;
    return i;
}

bool claim_is_look(const struct rule *rule, unsigned n)
{
    return look_at(rule, n) < RULE_LOOKS;
}

unsigned claim_pairs(const struct rule *rule)
{
    return rule->looks[RULE_LOOKS - 1];
}

/* Mean, and variance of the sample. Numbers that are all the same have the variance 0, not what
 * rounding their sum leaves: hence the differences from the first. */
static double spread(double *mean, const double *y, unsigned n)
{
    double sum = 0, squares = 0;
    for (unsigned j = 0; j < n; j++)
        sum += y[j] - y[0];
    const double shift = sum / n;
    for (unsigned j = 0; j < n; j++)
        squares += (y[j] - y[0] - shift) * (y[j] - y[0] - shift);
    *mean = y[0] + shift;
    return n > 1 ? squares / (n - 1) : 0;
}

struct claim_judgement claim_judge(const struct rule *rule, const double *y, const double *w,
                                   unsigned n, double alpha)
{
    ASSERT(n >= 1);
    struct claim_judgement found = {.answer = CLAIM_OPEN, .p = 1};
    found.s2 = spread(&found.mean, y, n);
    for (unsigned j = 0; j < n; j++)
        found.w2 += w[j] / n;
    const double v = found.s2 >= found.w2 ? found.s2 : found.w2;
    if (n > 1 && v > 0) {
        found.t = found.mean / sqrt(v / n);
        found.p = student_tail(found.t, n - 1);
    }
    const unsigned look = look_at(rule, n);
    if (look == RULE_LOOKS)
        return found;
    const bool first = look == 0, last = look == RULE_LOOKS - 1;
    if (found.p <= alpha * rule->shares[look])
        found.answer = CLAIM_CLAIMED;
    else if (last || (!first && found.mean <= 0))
        found.answer = CLAIM_UNPROVEN;
    return found;
}
