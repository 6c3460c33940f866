#include "math/optimizer.h"

#include <math.h>

/* m = b1 m + (1-b1) g;  v = b2 v + (1-b2) g^2;
 * w = w (1 - lr d) - lr/(1-b1^t) m / (sqrt(v / (1-b2^t)) + eps) */
static void adamw_update(float *restrict weights, float *const moments[],
                         const float *restrict gradient, size_t n,
                         const struct optimizer_step *step)
{
    float *restrict m = moments[0], *restrict v = moments[1];
    const float b1 = (float)step->beta1, b2 = (float)step->beta2;
    const float one_b1 = (float)(1 - step->beta1), one_b2 = (float)(1 - step->beta2);
    const float keep = (float)(1 - step->lr * step->weight_decay);
    const float rate = (float)(step->lr / (1 - pow(step->beta1, (double)step->step)));
    const float root = (float)(1 / sqrt(1 - pow(step->beta2, (double)step->step)));
    const float eps = (float)step->eps, scale = step->scale;
    for (size_t i = 0; i < n; i++) {
        float g = gradient[i] * scale;
        m[i] = b1 * m[i] + one_b1 * g;
        v[i] = b2 * v[i] + one_b2 * g * g;
        weights[i] = weights[i] * keep - rate * m[i] / (sqrtf(v[i]) * root + eps);
    }
}

/* - lr d w - lr/(1-b1^t) m / (sqrt(v / (1-b2^t)) + eps) */
static void adamw_delta(float *restrict delta, const float *restrict weights,
                        float *const moments[], size_t n, const struct optimizer_step *step)
{
    const float *restrict m = moments[0], *restrict v = moments[1];
    const float decay = (float)(step->lr * step->weight_decay);
    const float rate = (float)(step->lr / (1 - pow(step->beta1, (double)step->step)));
    const float root = (float)(1 / sqrt(1 - pow(step->beta2, (double)step->step)));
    const float eps = (float)step->eps;
    for (size_t i = 0; i < n; i++)
        delta[i] = -decay * weights[i] - rate * m[i] / (sqrtf(v[i]) * root + eps);
}

const struct optimizer_rule optimizer_adamw = {
    .name = "adamw", .n_moments = 2, .update = adamw_update, .delta = adamw_delta};
