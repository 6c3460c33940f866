/* What ranks say that they train a trial with, compared with what they were told to. Pure. */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"

#include <stdbool.h>

/* ERR_MACHINE with a sentence if a server (server: whether it is one) or worker computes a trial
 * with other values than its configuration has. name: of the rank. */
int in_force_check(const Trireme__InForce *in_force, const Trireme__Config *config, bool server,
                   const char *name, struct err *err);
