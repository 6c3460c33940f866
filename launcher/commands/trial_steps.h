/* The steps of one line of training: the trunk, or a fork. Tails are none: they train towards what
 * the gate reads. Local. */
#pragma once
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct curve_step;

struct trial_steps {
    struct curve_step *steps; /* in ascending order */
    size_t n, room;
    uint64_t before; /* tokens that the trunk trained on before the first of them */
};

/* Reads those of that name from RUN/metrics.jsonl. ERR_USAGE with some names that are there, where
 * there is no fork of that one. trial_steps_clear frees what they hold. */
int trial_steps_read(struct trial_steps *steps, const char *run, const char *name, struct err *err);
void trial_steps_clear(struct trial_steps *steps);
