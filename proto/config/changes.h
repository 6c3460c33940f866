/* Changes of a configuration: a list of paths with the values that they get. What may be changed is
 * not asked here (coordinator/proposals/patch.h). Pure. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

/* The configuration with the changes applied, resolved and checked as a whole; fresh. NULL with a
 * sentence (ERR_USAGE). */
Trireme__Config *changes_apply(const Trireme__Config *config, Trireme__Change *const *changes,
                               size_t n, struct err *err);

/* The same paths with the values that a configuration has. Fresh array of fresh changes. */
Trireme__Change **changes_values(const Trireme__Config *config, Trireme__Change *const *changes,
                                 size_t n);
void changes_free(Trireme__Change **changes, size_t n);

/* Whether two lists say the same, in any order and any spelling of the numbers. */
bool changes_equal(Trireme__Change *const *a, size_t n_a, Trireme__Change *const *b, size_t n_b);

/* "optimizer.lr=0.0005 optimizer.clip=2"; fresh text. */
char *changes_text(Trireme__Change *const *changes, size_t n);
