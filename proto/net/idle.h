/* Waiting with little CPU time: a rank with nothing to do polls again a few times, then yields its
 * core, then sleeps, a little longer each time. So on a machine with more ranks than cores the
 * workers keep their cores. */
#pragma once

struct idle {
    int n; /* times in a row without anything to do */
};

void idle_reset(struct idle *idle); /* something was done */
void idle_wait(struct idle *idle);  /* nothing was */
