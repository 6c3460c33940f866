/* What a model costs. */
#pragma once
#include "config.pb-c.h"

/* Floating-point operations of one training token, forward and backward; every MFU figure of the
 * project uses this count: 6 x (parameters that multiply, head included, embedding look-up not) + 6
 * x layers x (numbers of all heads: mostly the width) x context. */
double model_flops_per_token(const Trireme__Model *model);
