/* Names of tensors in Hugging Face directories, for GPT2LMHeadModel and LlamaForCausalLM: which
 * rows of our tensors are stored under which name. GPT-2 stores four Conv1D matrices as (in, out),
 * so they are transposed.
 *
 * A file of the base model alone (GPT2Model, LlamaModel; the original GPT-2 files) leaves out the
 * "transformer." or "model." before a name. */
#pragma once
#include "config.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

struct layout;

enum { HUGGING_FACE_NAME_SIZE = 128 };

/* One tensor of the directory, and its place in our layout. */
struct hugging_face_piece {
    char name[HUGGING_FACE_NAME_SIZE]; /* with the prefix */
    int n_dims;
    size_t rows, columns; /* in our order; a vector has columns == 1 */
    size_t offset;        /* in the flat array */
    bool turned;          /* stored there as (columns, rows) */
};

/* Returns all pieces of a resolved model, in the order of its layers. The head of a tied model is
 * none. The caller frees them. Never NULL. */
struct hugging_face_piece *hugging_face_names_pieces(const Trireme__Model *model,
                                                     const struct layout *layout, size_t *n);

/* Writes the name as it stands in the table: with the prefix, where it was left out. A name that is
 * too long becomes an empty one. */
void hugging_face_names_full(char full[HUGGING_FACE_NAME_SIZE], const Trireme__Model *model,
                             const char *name);

/* Name of the token embedding, and of the head that a tied model has none of. */
const char *hugging_face_names_embedding(const Trireme__Model *model);
extern const char hugging_face_names_head[];

/* Whether a full name is a buffer that older writers stored: causal masks and rotary frequencies,
 * which follow from config.json. They are never read. */
bool hugging_face_names_buffer(const Trireme__Model *model, const char *full);
