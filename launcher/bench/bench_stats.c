#include "launcher/bench/bench_stats.h"

#include "coordinator/gate/student.h"

#include <math.h>

static const double tail = 0.025;

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

/* The covariance of two means. */
static double covariance(const double *x, const double *y, size_t n)
{
    const double mx = mean_of(x, n), my = mean_of(y, n);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mx) * (y[i] - my);
    return sum / (double)(n - 1) / (double)n;
}

struct interval bench_mean(const double *x, size_t n)
{
    struct interval out = {.mean = mean_of(x, n), .bounded = n > 1};
    if (n > 1) {
        const double half = student_quantile(tail, (unsigned)n - 1) * sqrt(covariance(x, x, n));
        out.low = out.mean - half, out.high = out.mean + half;
    }
    return out;
}

struct interval bench_quotient(const double *x, const double *y, size_t n)
{
    const double mx = mean_of(x, n), my = mean_of(y, n);
    struct interval out = {.mean = mx / my};
    if (n < 2)
        return out;
    const double t = student_quantile(tail, (unsigned)n - 1), t2 = t * t;
    // (mx - rho my)^2 <= t^2 var(mx - rho my)
    const double a = my * my - t2 * covariance(y, y, n), b = mx * my - t2 * covariance(x, y, n),
                 c = mx * mx - t2 * covariance(x, x, n), root = b * b - a * c;
    if (a > 0 && root >= 0) {
        out.bounded = true;
        out.low = (b - sqrt(root)) / a, out.high = (b + sqrt(root)) / a;
    }
    return out;
}
