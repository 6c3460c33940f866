#include "coordinator/gate/posterior.h"

#include "base/check.h"
#include "coordinator/gate/student.h"

#include <math.h>

enum { PRIOR_WINDOWS = 128 /* in whose variance the prior scale is counted */ };

/* Half the mean square of successive differences. */
static double successive(const struct gain *pairs, unsigned n)
{
    double squares = 0;
    for (unsigned j = 1; j < n; j++)
        squares += (pairs[j].x - pairs[j - 1].x) * (pairs[j].x - pairs[j - 1].x);
    return n > 1 ? squares / (2 * (n - 1)) : 0;
}

struct posterior posterior_of(const struct rule *rule, const struct gain *pairs, unsigned n,
                              bool slow)
{
    ASSERT(n >= 1);
    const double k = slow ? rule->k_slow : rule->k_fast;
    struct posterior p = {.nu = rule->prior_nu + n - 1};
    double mean = 0, prior = 0, explained = 0; // variance: prior's, what the windows explain
    for (unsigned j = 0; j < n; j++) {
        const double windows = pairs[j].windows;
        mean += pairs[j].x / n;
        prior += pairs[j].u * ((k - 1) / PRIOR_WINDOWS + 1 / windows) / n;
        explained += pairs[j].u / windows / n;
    }
    p.vn = successive(pairs, n);
    p.v = (rule->prior_nu * prior + (n - 1) * p.vn) / (rule->prior_nu + n - 1);
    p.v = p.v >= explained ? p.v : explained;
    if (!(p.v > 0))
        return p;
    p.f = rule->tau * rule->tau / (rule->tau * rule->tau + p.v / n);
    p.mean = mean;
    p.m = p.f * mean;
    p.s = sqrt(p.f * p.v / n);
    p.p = 1 - student_tail(p.m / p.s, p.nu);
    return p;
}
