/* What --set says of a proposal. */
#pragma once
#include "base/err.h"

#include "planner.pb-c.h"

#include <stddef.h>

/* Reads "a.b=c" words into the patch of a proposal, which has none yet. ERR_USAGE where there are
 * none, one is something else, or a path is there twice. */
int set_option_read(Trireme__Proposal *proposal, char *const *set, size_t n_set, struct err *err);
