#include "launcher/batch/time_left.h"

static const double lead = 60, lead_share = 0.25, least = 1e-3; /* seconds; of what is left */

double time_left_bound(double max_seconds, double end, double now)
{
    const double left = end - now;
    if (end <= 0 || (max_seconds > 0 && max_seconds < left))
        return max_seconds;
    const double bound = left - (left * lead_share < lead ? left * lead_share : lead);
    return bound > least ? bound : least;
}
