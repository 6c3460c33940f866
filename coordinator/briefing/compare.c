#include "coordinator/briefing/compare.h"

#include "base/mem.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/briefing/stats.h"

#include <stdlib.h>

struct compared compare_steps(const struct curve_step *a, size_t n_a, const struct curve_step *b,
                              size_t n_b, size_t last)
{
    struct compared c = {0};
    double *leads = mem_new(n_a < n_b ? n_a : n_b, sizeof *leads);
    for (size_t i = 0, k = 0; i < n_a && k < n_b;) {
        if (a[i].step != b[k].step) {
            a[i].step < b[k].step ? i++ : k++;
            continue;
        }
        if (a[i].tokens == b[k].tokens) {
            c.from = c.n ? c.from : a[i].step;
            c.to = a[i].step;
            c.step_tokens = a[i].tokens;
            leads[c.n++] = b[k].loss - a[i].loss;
        } else {
            c.n_other++;
        }
        i++, k++;
    }
    c.n_last = c.n < last ? c.n : last;
    stats_mean(&c.lead, &c.error, leads, c.n);
    stats_mean(&c.last_lead, &c.last_error, leads + c.n - c.n_last, c.n_last);
    free(leads);
    return c;
}
