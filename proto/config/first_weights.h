/* Where the first weights of a launch come from: a checkpoint that it continues, or `init.from`. */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"

#include <stddef.h>

struct layout;

/* Reads elements [offset, offset + count) from where START says: weights and moments from the
 * checkpoint to continue; or weights only, from a Hugging Face directory or another run's
 * checkpoint (`init.from`). Does not touch the arrays if START names neither: then the weights are
 * to be drawn. */
int first_weights_read(const Trireme__Start *start, const struct layout *layout, size_t offset,
                       size_t count, float *weights, float *const moments[], int n_moments,
                       struct err *err);

/* Checks that `init.from`, another run's checkpoint or a Hugging Face directory, can be read and
 * has this layout's tensors, so that the launch can fail before anything is written. The numbers
 * of a directory are not read here. */
int first_weights_check(const Trireme__Config *config, const struct layout *layout,
                        struct err *err);
