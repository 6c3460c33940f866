/* Rotary positions: the cosines and sines by which queries and keys are turned. The types and
 * formulas are those of transformers (modeling_rope_utils.py): default, linear, llama3. */
#pragma once
#include <stddef.h>

#include "config.pb-c.h"

/* Fills cosine, sine (T, D/2) for the first T positions of a resolved model. */
void rotary_tables(float *cosine, float *sine, const Trireme__Model *config, size_t T);
