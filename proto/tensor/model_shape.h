/* The shape of a model: sizes that the configuration leaves open, and checks between fields. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

#include <stddef.h>

/* Sets kv_heads, ffn and tied if the configuration leaves them open, and takes back what says
 * nothing (head_dim = width / heads, biases that are false). Fails if sizes do not fit each other
 * (heads | width, kv_heads | heads, an even head width for rotary positions), or if a rotary type
 * lacks a setting or has one too many. Local. */
int model_shape_resolve(Trireme__Model *model, struct err *err);

/* Numbers of a head. */
size_t model_shape_head(const Trireme__Model *model);
