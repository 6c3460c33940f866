#include "coordinator/briefing/recent.h"

#include "coordinator/briefing/briefing_internal.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/briefing/stats.h"

#include <stdint.h>

enum { DIGITS = 5 };

void recent_tell(Trireme__RecentSteps *to, const struct curve_step *steps, size_t n, double clip)
{
    double x[CURVE_RECENT], y[CURVE_RECENT], norms[CURVE_RECENT], last = 0;
    const size_t n_last = n < CURVE_BEFORE ? n : CURVE_BEFORE;
    size_t clipped = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = (double)steps[i].step, y[i] = steps[i].loss, norms[i] = steps[i].norm;
        clipped += clip > 0 && steps[i].norm + 1e-6 > clip; // as step_result.c has it
        last += i + n_last >= n ? y[i] / (double)n_last : 0;
    }
    TELL(to, steps, (uint32_t)n);
    if (n == 0)
        return;
    TELL(to, loss, stats_round(last, DIGITS));
    TELL(to, grad_norm, stats_round(stats_median(norms, n), 3));
    TELL(to, clipped, stats_round((double)clipped / (double)n, 3));
    if (n < RECENT_MIN)
        return;
    const struct stats_line line = stats_line_fit(x, y, n);
    TELL(to, falls_in_100_steps, stats_round(-100 * line.slope, 3));
    TELL(to, noise, stats_round(line.sd, 3));
    TELL(to, spikes, stats_line_spikes(&line, x, y, n));
}

double recent_seconds(const struct curve_step *steps, size_t n, bool beside)
{
    double seconds[CURVE_RECENT];
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (steps[i].beside == beside)
            seconds[m++] = steps[i].seconds;
    return m ? stats_median(seconds, m) : 0;
}
