/* Rules that turn a gradient into an update of the weights: element by element, so the result does
 * not depend on how weights are divided among servers. A rule is one row of a table; its moments
 * are arrays of the weights' size that begin at zero. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { OPTIMIZER_MOMENTS_MAX = 2 };

struct optimizer_step {
    double lr, beta1, beta2, eps, momentum;
    double weight_decay; /* 0 for tensors that do not decay */
    uint64_t step;       /* updates of this tensor, this one included: 1 for the first */
    float scale;         /* factor of the gradient: clipping */
};

struct optimizer_rule {
    const char *name;
    int n_moments;
    /* Updates n weights and moments in place. */
    void (*update)(float *weights, float *const moments[], const float *gradient, size_t n,
                   const struct optimizer_step *step);
    /* Writes what the moments as they are add to n weights at that rate, decay included: the update
     * without the new gradient's part. step->step: updates that made the moments, at least 1. */
    void (*delta)(float *delta, const float *weights, float *const moments[], size_t n,
                  const struct optimizer_step *step);
};

/* Returns the rule of that name (the schema's Optimizer.Name). Asserts that it exists. */
const struct optimizer_rule *optimizer_rule(const char *name);

/* AdamW: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019; as
 * torch.optim.AdamW. */
extern const struct optimizer_rule optimizer_adamw;

/* Gradient descent with momentum, as torch.optim.SGD (no dampening, no Nesterov; decay is added to
 * the gradient). */
extern const struct optimizer_rule optimizer_sgd;
