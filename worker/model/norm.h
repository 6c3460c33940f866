/* LayerNorm or RMSNorm over the width. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "config.pb-c.h"

struct layout;
struct pass;

struct norm {
    bool rms; /* RMSNorm: no mean, no bias */
    float eps;
    size_t width;
    size_t weight, bias; /* offsets in the flat array */
};

/* name is without ".weight". */
void norm_init(struct norm *norm, const struct layout *layout, const char *name,
               const Trireme__Model *config);

/* Writes y (rows, C) from x (rows, C). mean (rows; not written by RMSNorm) and rstd (rows) are kept
 * for the backward pass. */
void norm_forward(const struct norm *norm, const struct pass *pass, float *y, float *mean,
                  float *rstd, const float *x, size_t rows);

/* Adds to dx; writes the gradients of weight and bias. */
void norm_backward(const struct norm *norm, const struct pass *pass, float *dx, const float *dy,
                   const float *x, const float *mean, const float *rstd, size_t rows);
