/* A task of the bench (proto/bench.proto), a planner, and the configurations of their runs. Local.
 */
#pragma once
#include "base/err.h"

#include "bench.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

/* NAME of a file "folder/NAME.yaml"; fresh. */
char *bench_name_of(const char *path);

/* Reads a task: a file, or the name of one in the folder, and checks that each source's path is the
 * name of a text. Freed by message_free. ERR_USAGE. */
Trireme__BenchTask *bench_task_read(const char *task, const char *folder, struct err *err);

/* Reads a planner: a word of experiment.planner, or a file. Freed by message_free. ERR_USAGE. */
Trireme__BenchPlanner *bench_planner_read(const char *planner, struct err *err);

/* The configuration of a run, as YAML; fresh. texts: folder that holds the task's texts. planner:
 * NULL is no experiments; with the remedy it is the oracle. No run learns from another
 * (experiment.notes), and the training rests while a planner thinks (experiment.hold), so that what
 * it proposes does not hang on how busy the machine is; a planner's own settings come after these.
 * NULL with ERR_USAGE where it is no legal configuration. */
char *bench_task_config(const Trireme__BenchTask *task, const Trireme__BenchPlanner *planner,
                        bool remedy, uint64_t seed, const char *texts, struct err *err);
