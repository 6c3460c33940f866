/* The weights of Hugging Face directories, of GPT2LMHeadModel and LlamaForCausalLM. The shape is in
 * config.json (hugging_face_config.h), which files are read in hugging_face_files.h, what a tensor
 * is called in hugging_face_names.h, how a directory is written in hugging_face_write.h. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

#include <stddef.h>

struct layout;

/* Checks everything but the numbers: the files, the name, type and shape of every tensor in them,
 * and that a tied model's head, where it stands beside the embedding, has the embedding's bits.
 * Fails with ERR_DATA; the sentence names file and tensor. */
int hugging_face_check(const char *folder, const Trireme__Model *model, const struct layout *layout,
                       struct err *err);

/* Checks the same and reads elements [offset, offset + count) of the flat array of a resolved
 * model. Also fails if one of these tensors has a number that is not finite. */
int hugging_face_read(const char *folder, const Trireme__Model *model, const struct layout *layout,
                      size_t offset, size_t count, float *weights, struct err *err);
