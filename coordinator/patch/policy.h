/* The policy of a run: a YAML file (message Policy) that says which values planners may change, and
 * within what bounds. It can only narrow what the schema allows. */
#pragma once
#include "base/err.h"

#include "planner.pb-c.h"

#include <stdbool.h>

/* Reads `experiment.policy`. "" gives NULL and success: all that the schema allows. ERR_USAGE for a
 * path that no experiment may change, and for bounds that are wider than the schema's or the wrong
 * way round. */
int policy_read(Trireme__Policy **policy, const char *path, struct err *err);

/* Whether the policy (or NULL) allows a path; *min and *max become narrower if it says so. Pure. */
bool policy_allows(double *min, double *max, const Trireme__Policy *policy, const char *path);
