/* Changes of a configuration: a list of paths and their new values. Whether a field may change is
 * checked in coordinator/patch/patch.h, not here. Pure. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

/* Returns a copy of the configuration with the changes applied, resolved and checked as a whole.
 * Freed by message_free. Fails with ERR_USAGE. */
Trireme__Config *changes_apply(const Trireme__Config *config, Trireme__Change *const *changes,
                               size_t n, struct err *err);

/* Returns the same paths with the values that the configuration has. Each path must name a scalar
 * that has a value. Freed by changes_free. */
Trireme__Change **changes_values(const Trireme__Config *config, Trireme__Change *const *changes,
                                 size_t n);
void changes_free(Trireme__Change **changes, size_t n);

/* Whether two lists make the same changes, in any order. Numbers are compared by value, not by
 * spelling. */
bool changes_equal(Trireme__Change *const *a, size_t n_a, Trireme__Change *const *b, size_t n_b);

/* Returns the changes as "optimizer.lr=0.0005 optimizer.clip=2", which the caller frees. */
char *changes_text(Trireme__Change *const *changes, size_t n);
