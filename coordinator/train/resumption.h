/* What a launch changes of the run that it continues, told before its first step: a line for each
 * setting that is not the checkpoint's ("optimizer.lr: 0.0003 -> 0.001"), and one where the
 * learning rate jumps. They are printed, and stand in log.txt and, as events, in metrics.jsonl.
 *
 * A change that a launch before has recorded at this very step, without reaching a checkpoint, is
 * printed but not recorded again. */
#pragma once
#include "base/err.h"

struct metrics;
struct progress;
struct run;
struct trial;

/* run (located) and trunk as they begin. A new run, and one that goes on unchanged, has nothing to
 * tell. Fails as metrics_event. */
int resumption_tell(const struct run *run, const struct trial *trunk, struct progress *progress,
                    struct metrics *metrics, struct err *err);
