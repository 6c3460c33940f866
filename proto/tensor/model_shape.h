/* The shape of a model: sizes that the configuration leaves open, and checks between fields. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

/* Sets kv_heads, ffn and tied if the configuration leaves them open. Fails if sizes do not fit each
 * other (heads | width, kv_heads | heads, an even head width for rotary positions). Local. */
int model_shape_resolve(Trireme__Model *model, struct err *err);

/* Floating-point operations of one training token, forward and backward; every MFU figure of the
 * project uses this count: 6 x (parameters that multiply, head included, embedding look-up not) + 6
 * x layers x width x context. */
double model_shape_flops_per_token(const Trireme__Model *model);
