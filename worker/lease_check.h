/* Checks of a lease: its trial, its leaves, the samples to evaluate. */
#pragma once
#include "base/err.h"
#include "control.pb-c.h"

struct dataset;
struct worker_trial;

/* trial: the one with the lease's number, or NULL if there is none. Fails with ERR_MACHINE if the
 * worker cannot do the lease: the coordinator is wrong. */
int lease_check(const Trireme__Lease *lease, const struct worker_trial *trial,
                const struct dataset *dataset, struct err *err);
