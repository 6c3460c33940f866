#include "math/reduce.h"

void reduce_add(float *restrict sum, const float *restrict part, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += part[i];
}

double reduce_squares(const float *x, size_t n)
{
    enum { LANES = 8 };
    double lane[LANES] = {0};
    size_t whole = n / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] += (double)x[i + l] * (double)x[i + l];
    for (size_t l = 0; whole + l < n; l++)
        lane[l] += (double)x[whole + l] * (double)x[whole + l];
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}
