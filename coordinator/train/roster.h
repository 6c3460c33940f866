/* The workers as they report for duty: all must compute with the same kernels and see the same
 * token files, or their sums would not be what the run says they are. The first one sets the
 * measure. Pure. */
#pragma once
#include "base/err.h"
#include "coordinator/train/evaluation.h"

#include "control.pb-c.h"

#include <stddef.h>

struct roster {
    char *fingerprint, *data_digest; /* NULL until the first worker */
    struct eval_source *sources;
    size_t n_sources;
    uint64_t *gate_samples, *sealed_samples; /* of each source's gate and sealed parts */
};

void roster_clear(struct roster *roster);

/* Takes a worker's READY. manifest: of the checkpoint that is continued, or NULL: its token files
 * must be the same. who names the worker in sentences. */
int roster_add(struct roster *roster, const Trireme__Manifest *manifest, const char *who,
               const Trireme__Ready *ready, struct err *err);
