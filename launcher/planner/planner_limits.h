/* How much of the machine a planner's program may take: processes, memory, files. What it writes to
 * its pipes and how long it may think is bounded by planner_script. Local. */
#pragma once
#include <stdbool.h>
#include <sys/resource.h>

struct planner_limits {
    rlim_t processes; /* for RLIMIT_NPROC */
    bool of_root;     /* which that limit does not hold: the pid namespace must bound them */
    bool pid_max;     /* a pid namespace can do so (Linux 6.14) */
};

/* Finds out what holds here. namespaces: the program has its own. */
void planner_limits_ask(struct planner_limits *limits, bool namespaces);

/* Whether something bounds the number of its processes. */
bool planner_limits_bound_processes(const struct planner_limits *limits);

/* For a child between fork and exec. The first is for its pid namespace, before the root is turned.
 * They return 0, or the errno. */
int planner_limits_set_pid_max(const struct planner_limits *limits);
int planner_limits_set(const struct planner_limits *limits);
