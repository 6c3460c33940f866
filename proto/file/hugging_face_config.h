/* config.json of a Hugging Face directory: the model's shape, and a check that this program can
 * compute the model with the other settings in it. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

#include <stdbool.h>

/* Whether a folder looks like a Hugging Face directory: it has a config.json. */
bool hugging_face_is(const char *folder);

/* Reads the shape in config.json into `model`, resolved. Fails with ERR_USAGE if a field that was
 * set in `model` disagrees, with ERR_DATA if this program cannot compute the model (other
 * activations, other rotary positions, ...). */
int hugging_face_shape(Trireme__Model *model, const char *folder, struct err *err);

/* Writes config.json of a resolved model, for versions 4 and 5 of transformers. dtype is PyTorch's
 * name of the weights' type. */
int hugging_face_config_write(const char *folder, const Trireme__Model *model, const char *dtype,
                              struct err *err);
