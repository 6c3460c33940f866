/* Causal self-attention with heads of width D. Groups of query heads share the keys and values of
 * one of the G = kv_heads heads (grouped-query). Queries, keys and values are used where they lie
 * in the fused qkv rows. Scores are kept for one block of query rows at a time. */
#pragma once
#include "worker/model/linear.h"

#include "config.pb-c.h"

struct layer_activations;

struct attention {
    struct linear qkv, out;
    size_t heads, kv_heads;
    size_t width;               /* of a head */
    const float *cosine, *sine; /* (T, D/2), borrowed; NULL: no rotary positions */
};

/* cosine, sine: tables from rotary_tables, or NULL for gpt2; borrowed. */
void attention_init(struct attention *attention, const struct layout *layout, int layer,
                    const Trireme__Model *config, const float *cosine, const float *sine);

/* Writes layer->qkv, layer->mix and layer->middle = layer->x + attention(layer->norm1). */
void attention_forward(const struct attention *attention, const struct pass *pass,
                       const struct layer_activations *layer);

/* Writes dnorm (N, C), the gradient of layer->norm1, from dy (N, C), the gradient of layer->middle.
 */
void attention_backward(const struct attention *attention, const struct pass *pass, float *dnorm,
                        const float *dy, const struct layer_activations *layer);
