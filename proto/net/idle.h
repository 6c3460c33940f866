/* Waiting without burning a core: a rank that found nothing to do looks again a few times, then
 * gives its core away, then sleeps, a little longer each time, so that on a machine with more ranks
 * than cores the workers keep theirs. */
#pragma once

struct idle {
    int n; /* times in a row without anything to do */
};

void idle_reset(struct idle *idle); /* something was done */
void idle_wait(struct idle *idle);  /* nothing was */
