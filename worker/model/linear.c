#include "worker/model/linear.h"

#include "math/kernels.h"
#include "proto/tensor/layout.h"
#include "worker/model/pass.h"

void linear_init(struct linear *linear, const struct layout *layout, const char *name,
                 bool has_bias)
{
    const struct tensor *weight = layout_find(layout, "%s.weight", name);
    *linear = (struct linear){.inputs = weight->columns,
                              .outputs = weight->rows,
                              .weight = weight->offset,
                              .has_bias = has_bias};
    if (has_bias)
        linear->bias = layout_find(layout, "%s.bias", name)->offset;
}

void linear_forward(const struct linear *linear, const struct pass *pass, float *y, const float *x,
                    const float *residual, size_t rows)
{
    const struct kernels *k = pass->kernels;
    const size_t in = linear->inputs, out = linear->outputs;
    const float *bias = linear->has_bias ? pass->weights + linear->bias : NULL;
    // Bias and residual are written to y before the product is added: they need no pass over y of
    // their own.
    const bool filled = residual || bias;
    if (filled)
        k->add_rows(y, residual, bias, rows, out);
    k->gemm(false, true, rows, out, in, 1, x, in, pass->weights + linear->weight, in,
            filled ? 1 : 0, y, out);
}

void linear_backward(const struct linear *linear, const struct pass *pass, float *dx,
                     const float *dy, const float *x, size_t rows)
{
    const struct kernels *k = pass->kernels;
    const size_t in = linear->inputs, out = linear->outputs;
    k->gemm(true, false, out, in, rows, 1, dy, out, x, in, 0, pass->gradient + linear->weight, in);
    if (linear->has_bias)
        k->sum_rows(pass->gradient + linear->bias, dy, rows, out);
    k->gemm(false, false, rows, in, out, 1, dy, out, pass->weights + linear->weight, in, 0, dx, in);
}
