#include "coordinator/briefing/stats.h"

#include "base/mem.h"
#include "coordinator/gate/student.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double stats_median(double *values, size_t n)
{
    if (n == 0)
        return NAN;
    qsort(values, n, sizeof *values, compare);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

void stats_mean(double *mean, double *error, const double *values, size_t n)
{
    double sum = 0, squares = 0;
    if (n < 2)
        return;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    *mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - *mean) * (values[i] - *mean);
    *error = sqrt(squares / (double)(n - 1) / (double)n);
}

struct stats_line stats_line_fit(const double *x, const double *y, size_t n)
{
    struct stats_line line = {.n = n};
    double both = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        line.middle += x[i] / (double)n;
        line.at += y[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        line.spread += (x[i] - line.middle) * (x[i] - line.middle);
        both += (x[i] - line.middle) * (y[i] - line.at);
    }
    line.slope = line.spread > 0 ? both / line.spread : 0;
    for (size_t i = 0; i < n; i++) {
        const double rest = y[i] - stats_line_at(&line, x[i]);
        squares += rest * rest;
    }
    line.sd = n > 2 ? sqrt(squares / (double)(n - 2)) : 0;
    return line;
}

double stats_line_at(const struct stats_line *line, double x)
{
    return line->at + line->slope * (x - line->middle);
}

double stats_line_half_width(const struct stats_line *line, double x)
{
    const double away = x - line->middle, n = (double)line->n,
                 far = line->spread > 0 ? away * away / line->spread : 0;
    return student_quantile(0.025, (unsigned)line->n - 2) * line->sd * sqrt(1 + 1 / n + far);
}

unsigned stats_line_spikes(const struct stats_line *line, const double *x, const double *y,
                           size_t n)
{
    double *sizes = mem_new(n, sizeof *sizes);
    for (size_t i = 0; i < n; i++)
        sizes[i] = fabs(y[i] - stats_line_at(line, x[i]));
    const double sd = 1.4826 * stats_median(sizes, n);
    unsigned spikes = 0;
    for (size_t i = 0; i < n; i++)
        spikes += y[i] - stats_line_at(line, x[i]) > 6 * sd;
    free(sizes);
    return spikes;
}

double stats_round(double value, int digits)
{
    char text[40];
    snprintf(text, sizeof text, "%.*g", digits, value);
    return isfinite(value) ? strtod(text, NULL) + 0.0 : value; // -0 becomes 0
}
