/* Looks at the sealed part of a run's validation text: RUN/looks.jsonl, a line (message Look) for
 * each, only ever appended. Who looks often finds something by luck, so the k-th look has an
 * interval of the level 1 - .05/(k (k+1)): the errors of all looks that there may ever be add up to
 * .05. Local. */
#pragma once
#include "base/err.h"

#include "bench.pb-c.h"

#include <stddef.h>

struct looks {
    Trireme__Look **list; /* owned; the oldest first */
    size_t n;
};

/* Those of a run; a run without the file has none. ERR_DATA for a line that is no look. */
int looks_read(struct looks *looks, const char *run, struct err *err);
void looks_clear(struct looks *looks);

/* Level of the interval of look k, from 1. */
double looks_level(unsigned k);

/* Numbers a look, and gives it its time, level and half_width out of the standard error of its
 * val_loss, that of so many windows; then appends it, synced. A look that cannot be counted is not
 * to be told of: -1. Others that look at the same time are waited for, lock_seconds at most. */
int looks_add(Trireme__Look *look, const char *run, double error, size_t windows, struct err *err);
