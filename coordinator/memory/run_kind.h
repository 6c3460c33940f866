/* Kinds of runs: what was learned in one run is told to runs of its kind. Pure. */
#pragma once
#include "config.pb-c.h"
#include "memory.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RUN_KIND_FACTOR = 10, /* parameters, and tokens, of runs of one kind differ by less */
    RUN_SCALE_FACTOR = 4  /* of changes that were tried at the same scale */
};

/* The kind of a run with this configuration, fresh. */
Trireme__RunKind *run_kind_of(const Trireme__Config *config);

/* Whether two runs are of one kind: the same family of transformers and the same optimizer, and
 * neither parameters nor tokens differ by RUN_KIND_FACTOR or more. */
bool run_kind_same(const Trireme__RunKind *a, const Trireme__RunKind *b);

/* Whether two notes are about the same scale: runs of one kind whose parameters, and the tokens
 * that they had trained on where the changes were tried, differ by less than RUN_SCALE_FACTOR. */
bool run_scale_same(const Trireme__RunKind *a, uint64_t tokens_a, const Trireme__RunKind *b,
                    uint64_t tokens_b);
