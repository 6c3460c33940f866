/* The last steps of a line of training, in a few numbers. Pure. */
#pragma once
#include "planner.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

struct curve_step;

enum { RECENT_MIN = 3 /* steps that a line is fitted to */ };

/* Fills in what n steps tell, at most CURVE_RECENT: how many, loss, trend, noise and spikes, norm,
 * share clipped at that clip (0: none is). The gaps stay as they are. */
void recent_tell(Trireme__RecentSteps *to, const struct curve_step *steps, size_t n, double clip);

/* The median seconds of those of n <= CURVE_RECENT steps that were alone, or were beside others; 0:
 * there are none. */
double recent_seconds(const struct curve_step *steps, size_t n, bool beside);
