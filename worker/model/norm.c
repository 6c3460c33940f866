#include "worker/model/norm.h"

#include "math/kernels.h"
#include "proto/tensor/layout.h"
#include "worker/model/pass.h"

void norm_init(struct norm *norm, const struct layout *layout, const char *name,
               const Trireme__Model *config)
{
    *norm = (struct norm){.rms = config->arch == TRIREME__MODEL__ARCH__llama,
                          .eps = (float)config->norm_eps,
                          .width = config->width,
                          .weight = layout_find(layout, "%s.weight", name)->offset};
    if (!norm->rms)
        norm->bias = layout_find(layout, "%s.bias", name)->offset;
}

void norm_forward(const struct norm *norm, const struct pass *pass, float *y, float *mean,
                  float *rstd, const float *x, size_t rows)
{
    const float *weight = pass->weights + norm->weight;
    if (norm->rms)
        pass->kernels->rmsnorm(y, rstd, x, weight, rows, norm->width, norm->eps);
    else
        pass->kernels->layernorm(y, mean, rstd, x, weight, pass->weights + norm->bias, rows,
                                 norm->width, norm->eps);
}

void norm_backward(const struct norm *norm, const struct pass *pass, float *dx, const float *dy,
                   const float *x, const float *mean, const float *rstd, size_t rows)
{
    const float *weight = pass->weights + norm->weight;
    float *dweight = pass->gradient + norm->weight;
    if (norm->rms)
        pass->kernels->rmsnorm_backward(dx, dweight, dy, x, weight, rstd, rows, norm->width);
    else
        pass->kernels->layernorm_backward(dx, dweight, pass->gradient + norm->bias, dy, x, weight,
                                          mean, rstd, rows, norm->width);
}
