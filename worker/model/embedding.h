/* Tokens to vectors: a row of the token table, for gpt2 plus a row of the position table. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "config.pb-c.h"

struct layout;
struct pass;

struct embedding {
    size_t width, vocab, context;
    size_t token, position; /* offsets in the flat array */
    bool has_position;
    bool tied; /* the head uses the token table too */
};

void embedding_init(struct embedding *embedding, const struct layout *layout,
                    const Trireme__Model *config);

/* Writes x (N, C) for the pass's inputs. */
void embedding_forward(const struct embedding *embedding, const struct pass *pass, float *x);

/* Adds the rows of dx (N, C) to the gradient of the token table in token order: to zero, or to what
 * the tied head has written there before. Writes the gradient of the position table: zeros from the
 * pass's T on. */
void embedding_backward(const struct embedding *embedding, const struct pass *pass,
                        const float *dx);
