/* Where a launch's weights come from: a checkpoint that it continues, or `init.from`. */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"

#include <stddef.h>

struct layout;

/* Reads elements [offset, offset + count) as START says: weights and moments of a checkpoint; or
 * weights only, out of a Hugging Face directory or of another run's checkpoint. Leaves the arrays
 * alone where weights are to be drawn. */
int first_weights_read(const Trireme__Start *start, const struct layout *layout, size_t offset,
                       size_t count, float *weights, float *const moments[], int n_moments,
                       struct err *err);

/* Whether `init.from`, where it names another run's checkpoint, can be read and has this layout's
 * tensors. Says so before anything is written; a Hugging Face directory was looked at when its
 * shape was read. */
int first_weights_check(const Trireme__Config *config, const struct layout *layout,
                        struct err *err);
