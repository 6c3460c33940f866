/* How many launches in a row were stopped before they had done a step; RUN/status.json keeps it. A
 * limit of time that is nearer than a start is long would have a batch script run the same line for
 * ever. */
#pragma once
#include "base/err.h"

#include <stdint.h>

struct run;

enum { WITHOUT_STEP_MAX = 2 /* the next one in a row is an error */ };

/* ERR_STOPPED, with the sentence of a launch that ends before training began. Returns -1. */
int without_step_stop(struct err *err);

/* The launch, which has claimed the run, is to end as *how says, ERR_STOPPED, without a step.
 * Counts it in run->without_step, and makes *how ERR_MACHINE where it is one too many. *kept:
 * updates in the newest checkpoint, which it may have had no time to look for. */
void without_step_count(struct run *run, uint64_t *kept, struct err *how);
