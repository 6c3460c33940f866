/* What a planner's program must not read. */
#pragma once
#include "config.pb-c.h"

#include <stddef.h>

struct planner_secrets {
    const char *run;   /* the run's folder, which need not exist yet */
    char *const *data; /* folder of each source; then the file of notes, which hold gains */
    size_t n_data;
    const char *file; /* that persons are known by, where it lies elsewhere; or NULL */
    char *notes;      /* owned; or NULL */
};

/* Those of a run with that configuration, which lend their texts. */
struct planner_secrets planner_secrets_of(const Trireme__Config *config, const char *run);
void planner_secrets_clear(struct planner_secrets *secrets);
