/* Drawing a token from logits. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* The token whose share of softmax(logits / temperature), over the top_k likeliest (0: all; ties go
 * to the lower token), holds the uniform number u in [0, 1). temperature 0: the likeliest. Pure. */
int32_t draw_token(const float *logits, size_t n, double temperature, size_t top_k, double u);
