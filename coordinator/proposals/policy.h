/* The operator's policy: a YAML file (message Policy) that says which of the values that
 * experiments may change planners may change in this run, and within what bounds. It can only
 * narrow what the schema allows. */
#pragma once
#include "base/err.h"

#include "planner.pb-c.h"

#include <stdbool.h>

/* Reads `experiment.policy`; "" gives NULL with success, which allows all that the schema does.
 * Refused (ERR_USAGE): a path that no experiment may change, bounds wider than the schema's or the
 * wrong way round. */
int policy_read(Trireme__Policy **policy, const char *path, struct err *err);

/* Whether the policy (or NULL) lets a path be changed; *min and *max become narrower where it says
 * so. Pure. */
bool policy_allows(double *min, double *max, const Trireme__Policy *policy, const char *path);
