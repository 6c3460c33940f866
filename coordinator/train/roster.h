/* The workers that have sent READY. All must compute with the same kernels and see the same token
 * files as the first one, or the sums would not be those of the run. Pure. */
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

/* ERR_DATA where the token files, as far as READY tells, are not those of the manifest (or NULL).
 */
int roster_check(const struct roster *roster, const Trireme__Manifest *manifest, struct err *err);

/* Adds a worker by its READY. manifest: of the checkpoint that is continued, or NULL; its token
 * files must be the same. who: the worker's name in sentences. ERR_DATA for other token files,
 * ERR_MACHINE for other kernels. */
int roster_add(struct roster *roster, const Trireme__Manifest *manifest, const char *who,
               const Trireme__Ready *ready, struct err *err);
