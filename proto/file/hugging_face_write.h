/* Hugging Face directories, written: config.json and the weights, in model.safetensors or, above
 * a size, in shards "model-00001-of-00003.safetensors" with model.safetensors.index.json. */
#pragma once
#include "base/err.h"
#include "proto/file/safetensors.h"

#include "config.pb-c.h"

#include <stddef.h>
#include <stdint.h>

struct layout;

/* How the weights are written. */
struct hugging_face_form {
    enum safetensors_type type; /* F32, BF16 or F16 */
    uint64_t shard_bytes;       /* of the numbers in one file; a larger tensor has its own */
    const struct safetensors_note *notes; /* in each file and in the index; borrowed */
    size_t n_notes;
};

/* Writes into a folder that exists. form NULL: F32, shards of 5 GB, no notes. Fails with ERR_DATA
 * if a number is not finite in that type, with ERR_USAGE if the folder cannot be written. */
int hugging_face_write(const char *folder, const Trireme__Model *model, const struct layout *layout,
                       const float *weights, const struct hugging_face_form *form, struct err *err);
