/* config.json of a Hugging Face directory: the model's shape, and what of their many settings this
 * program computes. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

#include <stdbool.h>

/* Whether a folder looks like such a directory: it has a config.json. */
bool hugging_face_is(const char *folder);

/* The shape in config.json, over `model`: fields that were given there and disagree are refused
 * (ERR_USAGE), and so is what this program cannot compute (other activations, scaled rotary
 * positions, ...; ERR_DATA). */
int hugging_face_shape(Trireme__Model *model, const char *folder, struct err *err);

/* Writes config.json of a resolved model. */
int hugging_face_config_write(const char *folder, const Trireme__Model *model, struct err *err);
