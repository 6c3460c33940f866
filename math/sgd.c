#include "math/optimizer.h"

/* b = mu b + g + d w;  w = w - lr b */
static void sgd_update(float *restrict weights, float *const moments[],
                       const float *restrict gradient, size_t n, const struct optimizer_step *step)
{
    float *restrict buffer = moments[0];
    const float mu = (float)step->momentum, decay = (float)step->weight_decay, lr = (float)step->lr;
    const float scale = step->scale;
    for (size_t i = 0; i < n; i++) {
        buffer[i] = mu * buffer[i] + (gradient[i] * scale + decay * weights[i]);
        weights[i] -= lr * buffer[i];
    }
}

/* - lr b */
static void sgd_delta(float *restrict delta, const float *restrict weights, float *const moments[],
                      size_t n, const struct optimizer_step *step)
{
    const float *restrict buffer = moments[0];
    const float lr = (float)step->lr;
    (void)weights; // their decay is in the buffer
    for (size_t i = 0; i < n; i++)
        delta[i] = -lr * buffer[i];
}

const struct optimizer_rule optimizer_sgd = {
    .name = "sgd", .n_moments = 1, .update = sgd_update, .delta = sgd_delta};
