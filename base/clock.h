/* Time: seconds on a clock that never goes back, the date, and short sleeps. */
#pragma once

double clock_now(void); /* seconds since some fixed moment */
double clock_date(void); /* seconds since 1970, which other hosts can compare with theirs */
void clock_sleep(double seconds);
