/* One training of the bench as a process: `trireme train`, with one worker and one server, and the
 * planner's program beside it where there is one. Both lead groups of their own, and are asked to
 * end where this process does. What they print is in FOLDER.log. Local.
 *
 * The training bounds its own waits, and is waited for as long as it lives. The program beside it
 * is expected to end with it; it is asked to after end_seconds, and killed after kill_seconds more.
 */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct bench_run {
    const char *folder, *config; /* of the run; its configuration. Borrowed */
    char *const *beside;         /* words of the program beside it, or NULL. Borrowed */
    size_t n_beside;
    pid_t training, program; /* 0: not running */
    double began, ended;     /* by clock_now; ended: of the training, 0 before */
    int code;                /* of the training, once it has ended; 128 and a signal's number */
    bool was_beside;         /* the program was started */
    int stage;               /* of its end: 0 expected, 1 asked to, 2 killed */
};

/* Starts the training. The first five fields are the caller's. ERR_MACHINE. */
int bench_run_begin(struct bench_run *run, struct err *err);

/* Looks at it; never waits. *over: nothing of it runs any more. ERR_MACHINE where the program
 * beside it cannot be started; the training is asked to stop then. */
int bench_run_turn(bool *over, struct bench_run *run, struct err *err);

/* Asks the training to stop after a checkpoint. */
void bench_run_stop(const struct bench_run *run);
