/* The memory of one pass: what the forward pass keeps for the backward pass, and scratch. One
 * arena, sized for the largest pass. N = B*T rows; other letters: README.md. Probabilities of
 * attention are not kept: the backward pass computes them again block by block, so memory grows
 * with T and not with its square. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "config.pb-c.h"

/* Query rows of one block of scores. Measured tokens per second (context 256, width 384, one
 * Sapphire Rapids core): 32: 1390, 64: 1410, 128: 1330, 256: 1310. */
enum { ATTENTION_ROWS = 64 };

struct layer_activations {
    float *x;                     /* (N, C) the residual stream before the layer */
    float *norm1, *mean1, *rstd1; /* (N, C), (N), (N) */
    float *qkv;                   /* (N, Q) after the rotation, if there is one */
    float *mix;                   /* (N, A) the values as attention mixes them */
    float *middle;                /* (N, C) the residual stream between attention and MLP */
    float *norm2, *mean2, *rstd2; /* (N, C), (N), (N) */
    float *up;                    /* (N, U) before the activation function */
    float *act;                   /* (N, F) after it */
};

struct activations {
    struct layer_activations
        *layers; /* n_layers, and one more of which only x is there: after the last layer */
    float *norm, *mean, *rstd; /* (N, C), (N), (N) */
    float *logits;             /* (head_rows, V), and their gradient */
    size_t
        head_rows; /* rows that the head takes at a time: bounds the memory of a large vocabulary */
    int32_t *inputs, *targets; /* (N) */
    float *dx;                 /* (N, C) gradient of the residual stream */
    float *dbranch;            /* (N, C) gradient of a norm's output, or (N, A) of mix */
    float *dqkv;               /* (N, Q) */
    float *dup;                /* (N, U) */
    float *dact;               /* (N, F); dup, where U == F */
    float *scores, *dscores;   /* (ATTENTION_ROWS, T) */
    float *arena;              /* holds all of the floats above */
};

/* For passes of at most `rows` rows, in samples of at most `longest` tokens. */
struct activations *activations_new(const Trireme__Model *config, size_t rows, size_t longest);
void activations_free(struct activations *activations);
