/* The MLP of a layer: up, GELU or SwiGLU, down, on top of the residual stream. */
#pragma once
#include "worker/model/linear.h"

#include "config.pb-c.h"

struct layer_activations;

struct mlp {
    struct linear up, down;
    bool gated; /* SwiGLU: up gives gate and up, U = 2*F */
};

void mlp_init(struct mlp *mlp, const struct layout *layout, int layer,
              const Trireme__Model *config);

/* Writes layer->up, layer->act and y (N, C) = layer->middle + MLP(layer->norm2). */
void mlp_forward(const struct mlp *mlp, const struct pass *pass, float *y,
                 const struct layer_activations *layer);

/* Writes dnorm (N, C), the gradient of layer->norm2, from dy (N, C). */
void mlp_backward(const struct mlp *mlp, const struct pass *pass, float *dnorm, const float *dy,
                  const struct layer_activations *layer);
