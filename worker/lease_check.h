/* Whether a lease can be worked at: its trial, its leaves, what there is to evaluate. */
#pragma once
#include "base/err.h"
#include "control.pb-c.h"

struct dataset;
struct worker_trial;

/* trial: that of the lease's number, or NULL where there is none. ERR_MACHINE with a sentence: the
 * coordinator is wrong. */
int lease_check(const Trireme__Lease *lease, const struct worker_trial *trial,
                const struct dataset *dataset, struct err *err);
