#include "math/schedule.h"

#include <math.h>

double schedule_lr(const struct schedule *schedule, double step)
{
    if (step < (double)schedule->warmup)
        return schedule->lr * (step + 1) / (double)schedule->warmup;
    if (schedule->kind == SCHEDULE_CONSTANT)
        return schedule->lr;
    const double warmup = (double)schedule->warmup;
    const double rest = schedule->steps > warmup ? schedule->steps - warmup : 1;
    double done = (step - warmup) / rest;
    done = done > 1 ? 1 : done;
    double share = schedule->kind == SCHEDULE_COSINE
                       ? 0.5 * (1 + cos(3.14159265358979323846 * done))
                       : 1 - done;
    return schedule->min_lr + share * (schedule->lr - schedule->min_lr);
}
