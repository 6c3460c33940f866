#include "worker/model/mlp.h"

#include "math/kernels.h"
#include "proto/tensor/layout.h"
#include "worker/model/activations.h"
#include "worker/model/pass.h"

#include <stdio.h>

void mlp_init(struct mlp *mlp, const struct layout *layout, int layer, const Trireme__Model *config)
{
    const bool gpt2 = config->arch == TRIREME__MODEL__ARCH__gpt2, bias = gpt2 || config->mlp_bias;
    char name[TENSOR_NAME_SIZE];
    mlp->gated = !gpt2;
    snprintf(name, sizeof name, "layers.%d.mlp.up", layer);
    linear_init(&mlp->up, layout, name, bias);
    snprintf(name, sizeof name, "layers.%d.mlp.down", layer);
    linear_init(&mlp->down, layout, name, bias);
}

void mlp_forward(const struct mlp *mlp, const struct pass *pass, float *y,
                 const struct layer_activations *layer)
{
    const size_t N = pass->B * pass->T, F = mlp->down.inputs;
    linear_forward(&mlp->up, pass, layer->up, layer->norm2, NULL, N);
    if (mlp->gated)
        pass->kernels->swiglu(layer->act, layer->up, N, F);
    else
        pass->kernels->gelu(layer->act, layer->up, N * F);
    linear_forward(&mlp->down, pass, y, layer->act, layer->middle, N);
}

void mlp_backward(const struct mlp *mlp, const struct pass *pass, float *dnorm, const float *dy,
                  const struct layer_activations *layer)
{
    const size_t N = pass->B * pass->T, F = mlp->down.inputs;
    float *dact = pass->memory->dact, *dup = pass->memory->dup;
    linear_backward(&mlp->down, pass, dact, dy, layer->act, N);
    if (mlp->gated)
        pass->kernels->swiglu_backward(dup, dact, layer->up, N, F);
    else
        pass->kernels->gelu_backward(dup, dact, layer->up, N * F);
    linear_backward(&mlp->up, pass, dnorm, dup, layer->norm2, N);
}
