/* The head: logits of the last norm's output, and the loss. The matrix is the token table where the
 * model is tied. Rows go through in groups of memory->head_rows, so a large vocabulary needs no (N,
 * V) memory. */
#pragma once
#include <stddef.h>

#include "config.pb-c.h"

struct layout;
struct pass;

struct head {
    size_t width, vocab;
    size_t weight; /* offset in the flat array */
};

void head_init(struct head *head, const struct layout *layout, const Trireme__Model *config);

/* Returns the sum of the losses of the pass's N targets, in token order. */
double head_loss(const struct head *head, const struct pass *pass);

/* The same, and writes memory->dbranch, the gradient of scale * loss for memory->norm, and that of
 * the matrix. */
double head_loss_backward(const struct head *head, const struct pass *pass, float scale);

/* Writes logits (V) of one row x (C). */
void head_logits(const struct head *head, const struct pass *pass, float *logits, const float *x);
