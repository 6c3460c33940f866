/* y = x W^T + bias: a matrix (outputs, inputs) of the layout, with or without a bias. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct layout;
struct pass;

struct linear {
    size_t inputs, outputs;
    size_t weight, bias; /* offsets in the flat array */
    bool has_bias;
};

/* name is without ".weight". */
void linear_init(struct linear *linear, const struct layout *layout, const char *name,
                 bool has_bias);

/* y (rows, outputs) = residual + x (rows, inputs) W^T + bias. residual (rows, outputs) may be NULL;
 * y may be residual. */
void linear_forward(const struct linear *linear, const struct pass *pass, float *y, const float *x,
                    const float *residual, size_t rows);

/* Writes dx (rows, inputs) and the gradients of weight and bias, from dy (rows, outputs). */
void linear_backward(const struct linear *linear, const struct pass *pass, float *dx,
                     const float *dy, const float *x, size_t rows);
