/* Time: seconds on a clock that never goes back, and short sleeps. */
#pragma once

double clock_now(void); /* seconds since some fixed moment */
void clock_sleep(double seconds);
