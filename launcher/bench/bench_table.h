/* What the runs of the bench add up to, as numbers, as a table and as a picture. Local. */
#pragma once
#include "command.pb-c.h"

struct bench_named {
    const char *name;               /* borrowed */
    const Trireme__BenchTask *task; /* borrowed */
};

/* Fills in the arms and standings of a reply that has runs: an arm for each planner in each task,
 * in the order of the runs; a standing for each planner but `oracle`. Runs of an arm are paired
 * with those of none and oracle by their seeds. */
void bench_table_add_up(Trireme__BenchPlannerReply *reply, const struct bench_named *tasks,
                        size_t n_tasks);

/* The arms as a table in plain text, and below it the standings; fresh. */
char *bench_table_text(const Trireme__BenchPlannerReply *reply);

/* The shares recovered, with their intervals, as a picture (forest.h); fresh. NULL: nobody
 * recovered anything, as no task has a remedy. */
char *bench_table_picture(const Trireme__BenchPlannerReply *reply);
