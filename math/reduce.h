/* Sums of gradients and of squares over whole blocks, in a fixed order, for servers and workers. */
#pragma once
#include <stddef.h>

/* sum[i] += part[i]. */
void reduce_add(float *sum, const float *part, size_t n);

/* Returns the sum of squares in double, over eight lanes that are added pairwise: the same bits on
 * every machine. */
double reduce_squares(const float *x, size_t n);
