/* Student's t distribution. Pure. */
#pragma once

/* Upper tail of Student's t with nu >= 1 degrees of freedom, exact for whole nu. */
double student_tail(double t, unsigned nu);

/* The t with that upper tail, 0 < tail < 1; nu >= 1. To about 1e-12. */
double student_quantile(double tail, unsigned nu);
