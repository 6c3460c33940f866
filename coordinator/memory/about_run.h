/* What a note says of the run that it is about, and what a run is compared with notes by: read from
 * the files of the run. Local. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"
#include "memory.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

struct about_run {
    char *id;   /* RUN/id; NULL: the run has none yet */
    char *name; /* of its folder, without those above it */
    Trireme__RunKind *kind;
    char **gate; /* digests of its validation files; none: RUN/data.yaml is not there yet */
    size_t n_gate;
};

/* config: as in config.yaml. ERR_DATA where RUN/data.yaml cannot be read. */
int about_run_read(struct about_run *about, const char *run, const Trireme__Config *config,
                   struct err *err);
void about_run_clear(struct about_run *about);

/* Fills in what a note says of the run. */
void about_run_tell(Trireme__MemoryNote *note, const struct about_run *about);

/* Whether a note is about this run. */
bool about_run_is_own(const struct about_run *about, const Trireme__MemoryNote *note);

/* Whether what a note measured may have been measured on text that judges this run: a validation
 * file in common, or not known. */
bool about_run_shares_gate(const struct about_run *about, const Trireme__MemoryNote *note);

/* RUN/id as text, fresh; NULL: it is not there. */
char *about_run_id(const char *run);
