/* What the parts of a model work with in one pass. All borrowed. */
#pragma once
#include <stddef.h>

struct activations;
struct kernels;

struct pass {
    const struct kernels *kernels;
    struct activations *memory;
    const float *weights; /* (n_params) */
    float *gradient;      /* (n_params); NULL in a pass that only goes forward */
    size_t B, T;
};
