#include "coordinator/gate/student.h"

#include "base/check.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

double student_tail(double t, unsigned nu)
{
    ASSERT(nu >= 1);
    double theta = atan(t / sqrt((double)nu)), s = sin(theta), c = cos(theta);
    double term, within; // within: P(|T| < t), with the sign of t
    if (nu % 2 == 0) {
        term = within = s;
        for (unsigned k = 2; k + 2 <= nu; k += 2)
            within += term *= c * c * (k - 1) / k;
    } else {
        term = s * c;
        within = nu > 1 ? theta + term : theta;
        for (unsigned k = 3; k + 2 <= nu; k += 2)
            within += term *= c * c * (k - 1) / k;
        within *= 2 / PI;
    }
    return (1 - within) / 2;
}

double student_quantile(double tail, unsigned nu)
{
    ASSERT(tail > 0 && tail < 1);
    double low = -1, high = 1;
    while (student_tail(low, nu) < tail)
        low *= 2;
    while (student_tail(high, nu) > tail)
        high *= 2;
    for (int i = 0; i < 200 && low < high; i++) {
        const double middle = low + (high - low) / 2;
        if (middle == low || middle == high)
            break;
        if (student_tail(middle, nu) > tail)
            low = middle;
        else
            high = middle;
    }
    return high;
}
