/* Numbers about numbers: means, medians, straight lines, forecasts. Pure. */
#pragma once
#include <stddef.h>

/* The median; NaN where n is 0. Sorts the values. */
double stats_median(double *values, size_t n);

/* The mean and its standard error, as if the values were independent; n >= 2, else nothing is
 * written. */
void stats_mean(double *mean, double *error, const double *values, size_t n);

/* A straight line by least squares: y = at + slope (x - middle). */
struct stats_line {
    double middle, at, slope;
    double sd;     /* of the residuals, n - 2 degrees of freedom; 0 where n is 2 */
    double spread; /* sum of (x - middle)^2 */
    size_t n;
};

/* n >= 2, and not all x equal; else a line with slope 0. */
struct stats_line stats_line_fit(const double *x, const double *y, size_t n);
double stats_line_at(const struct stats_line *line, double x);

/* Half of the 95 % interval of a new y at x; n >= 3: t_{.975, n-2} sd sqrt(1 + 1/n + (x -
 * middle)^2/spread). */
double stats_line_half_width(const struct stats_line *line, double x);

/* Number of values that are above the line by more than 6 robust standard deviations: 1.4826
 * medians of the residuals' sizes. */
unsigned stats_line_spikes(const struct stats_line *line, const double *x, const double *y,
                           size_t n);

/* Rounded to so many significant digits. */
double stats_round(double value, int digits);
