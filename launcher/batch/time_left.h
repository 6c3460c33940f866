/* How long a launch may train in a job that the batch system ends at a known time. Pure. */
#pragma once

/* The seconds of --max-seconds (0: none were asked for), or less: the run ends a minute before the
 * job does, or a quarter of the time that is left where that is less. What was asked for holds if
 * it ends before the job. end, now: seconds since 1970; end 0: not known. Returns 0: no bound. */
double time_left_bound(double max_seconds, double end, double now);
