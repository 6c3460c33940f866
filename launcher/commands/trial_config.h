/* What a line of training is trained with, from config.yaml and the ledger. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

struct ledger;

/* Returns the configuration of the trunk now, or of a fork of that name: what was asked for, with
 * what was adopted by the time at which the fork began, and its change. What people have set since
 * then counts as set then. Freed by message_free. NULL with a sentence where the ledger tells of no
 * such fork. Local. */
Trireme__Config *trial_config(const struct ledger *ledger, const Trireme__Config *asked,
                              const char *name, struct err *err);
