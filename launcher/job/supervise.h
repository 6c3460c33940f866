/* Starts and supervises mpirun: it runs in a session of its own that ends with this process; its
 * own output is held back unless it is needed; signals become requests; how the run ended is read
 * from RUN/status.json, not from the exit code. */
#pragma once
#include "base/err.h"

#include <stdint.h>

/* Lines of rank 0 on stderr, each alone on a line: when it takes requests to stop; followed by the
 * launch's incarnation, when it has claimed the run (a status with another incarnation is another
 * launch's); when training begins; when the run is over and the ranks are about to end. */
#define SUPERVISE_LAUNCHED "trireme-launched"
#define SUPERVISE_CLAIMED  "trireme-claimed "
#define SUPERVISE_BEGAN    "trireme-began"
#define SUPERVISE_ENDED    "trireme-ended"

struct mpirun;

/* Runs the job to its end. Returns 0, or -1 with how it ended; ERR_STOPPED without a sentence: a
 * request came before there was a launch of the run, and nothing was written. *kept: updates in the
 * newest checkpoint. Requests to stop (stop_request.h; those that mpirun got are seen there) are
 * passed on to rank 0. Where it takes none within 5 s, or one is urgent, the ranks are killed. */
int supervise(const struct mpirun *job, uint64_t *kept, struct err *err);
