/* Time: seconds on a clock that never goes back, and short sleeps. */
#pragma once

double clock_now(void);  /* seconds since some fixed moment */
double clock_wall(void); /* seconds since 1970, for file contents only */
void clock_sleep(double seconds);
