/* The configuration of a run that is in force, from its files. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

/* Returns that of the newest checkpoint which can be read, with what was adopted by then; else the
 * run's own. The caller frees it with message_free. NULL with a sentence if there is none.
 * Local. */
Trireme__Config *config_in_force(const char *run, struct err *err);
