/* What follows from a model's configuration: the sizes left open, and the checks that no single
 * field can make. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

/* Sets kv_heads, ffn and tied where the configuration leaves them open, and refuses sizes that do
 * not fit each other (heads | width, kv_heads | heads, an even head width for rotary positions).
 * Local. */
int model_shape_resolve(Trireme__Model *model, struct err *err);

/* Floating-point operations of one training token, forward and backward, as every MFU of the
 * project counts them: 6 x (parameters that multiply, head included, embedding look-up not) + 6 x
 * layers x width x context. */
double model_shape_flops_per_token(const Trireme__Model *model);
