/* The transformer of a worker: losses and gradients of samples, for both architectures of the
 * schema.
 *
 * A model holds a description of its layers and the memory of one pass, no weights: they and
 * their gradient are flat arrays in the order of the layout. All memory is taken by model_new;
 * passes allocate nothing. A gradient is computed from zero, so that leaves of the sum tree can be
 * added in any grouping of whole leaves. Same inputs, same kernels, same threads: same bits. The
 * letters of shapes are explained in README.md. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.pb-c.h"

struct kernels;
struct layout;
struct model;

/* A model for passes over at most `rows` tokens, in samples of at most `longest` <= config->context
 * tokens: what it takes in memory follows from these two, not from the positions that the model
 * has. config is resolved (model_shape_resolve) and layout is layout_new of it. Borrowed: layout
 * and kernels live longer. Local. Never NULL. */
struct model *model_new_sized(const Trireme__Model *config, const struct layout *layout,
                              const struct kernels *kernels, size_t rows, size_t longest);

/* For at most max_batch samples of the whole context. */
struct model *model_new(const Trireme__Model *config, const struct layout *layout,
                        const struct kernels *kernels, size_t max_batch);
void model_free(struct model *model);

/* tick is called between layers, forward and backward, so that a worker can look at its messages;
 * when it returns true the pass is abandoned. NULL: none. */
void model_set_tick(struct model *model, bool (*tick)(void *context), void *context);

/* Writes (never adds to) all n_params elements of gradient: the gradient of scale * (sum of the
 * token losses) of B samples of T + 1 tokens, T <= context (rows of a position table from T on get
 * zeros). *loss_sum becomes the sum of the token losses in nats, added in token order. tokens (B, T
 * + 1), each below vocab. Returns false if the tick abandoned the pass: gradient and *loss_sum are
 * then undefined. */
bool model_gradient(struct model *model, float *gradient, double *loss_sum, const float *weights,
                    const int32_t *tokens, size_t B, size_t T, float scale);

/* Writes the sum of the token losses of each of B samples (any number) of the whole context.
 * Samples are computed one by one: a sample's loss has the same bits whatever samples are beside
 * it. False if the tick abandoned the pass. */
bool model_losses(struct model *model, double *loss_sums, const float *weights,
                  const int32_t *tokens, size_t B);

/* Writes the logits (V) after the last of n tokens, 1 <= n <= context. The tick is not called. */
void model_logits(struct model *model, float *logits, const float *weights, const int32_t *tokens,
                  size_t n);
