#include "proto/net/idle.h"

#include "base/clock.h"

#include <sched.h>

enum { LOOKS = 20, YIELDS = 40 };
static const double shortest = 20e-6, longest = 500e-6; // seconds

void idle_reset(struct idle *idle)
{
    idle->n = 0;
}

void idle_wait(struct idle *idle)
{
    idle->n++;
    if (idle->n <= LOOKS)
        return;
    if (idle->n <= YIELDS) {
        sched_yield();
        return;
    }
    double seconds = shortest * (1 + (idle->n - YIELDS) / 8);
    clock_sleep(seconds < longest ? seconds : longest);
}
