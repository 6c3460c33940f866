/* What of a history is open, and where it stands. Pure. */
#pragma once
#include "coordinator/history.h"

/* The attempt of an entry that goes on, and whether it is the reverse one; NULL: none does. */
const struct attempt *attempt_open(const struct entry *entry, bool *reverse);

/* Step of the trunk at which its next pair begins, or began: of the first that has not been
 * observed. */
uint64_t attempt_next_start(const struct attempt *attempt);
