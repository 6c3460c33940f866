/* The tensors of Hugging Face directories, model.safetensors (one file or several), for
 * GPT2LMHeadModel and LlamaForCausalLM. One table per architecture says which rows of our tensors
 * are stored under which name. GPT-2 stores four Conv1D matrices as (in, out), so they are
 * transposed. The shape is in config.json: hugging_face_config.h. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

#include <stddef.h>

struct layout;

/* Reads elements [offset, offset + count) of the flat array of a resolved model. */
int hugging_face_read(const char *folder, const Trireme__Model *model, const struct layout *layout,
                      size_t offset, size_t count, float *weights, struct err *err);

/* Writes config.json and model.safetensors into a folder that exists. */
int hugging_face_write(const char *folder, const Trireme__Model *model, const struct layout *layout,
                       const float *weights, struct err *err);
