/* A recipe: what experiments may change of a configuration (`judged` in the schema). Two are
 * compared by what they do to the training, not by how they are written. Pure. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

#include <stdbool.h>

/* Returns why a value of this path has no effect in a configuration, or NULL. */
const char *recipe_idle_because(const Trireme__Config *config, const char *path);

/* Whether two configurations of one run, both resolved, train alike: real numbers are equal in
 * single precision, in which weights are updated; sources by their shares; a value that has no
 * effect in either is passed over. Returns 1 or 0; -1 with a sentence (ERR_USAGE) where the sources
 * of b have no shares. */
int recipe_same(const Trireme__Config *a, const Trireme__Config *b, struct err *err);
