/* Checkpoints that are set aside: a run that goes back to an earlier step on purpose keeps the
 * newer ones in RUN/checkpoints/aside-20260131T120000Z/, where nothing looks for a checkpoint.
 * Moving the folders back by hand undoes it. Local. */
#pragma once
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Moves the complete checkpoints of steps after `step` to a new folder, the newest first, so that a
 * launch that dies in between leaves a run with an earlier newest checkpoint. RUN/metrics.jsonl is
 * copied there too, as it was. *folder: its path, which the caller frees; NULL if there was nothing
 * to move. *n: number of checkpoints. To be called by the process that holds the run. Fails with
 * ERR_TRAIN. */
int aside_newer(char **folder, size_t *n, const char *run, uint64_t step, struct err *err);
