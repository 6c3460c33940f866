/* A process's children, as Linux tells of them in /proc. */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

/* Whether the process has a child that has not ended. True where the system does not tell. */
bool children_live(pid_t pid);

/* Whether one of them runs the program that this process runs. False where the system does not
 * tell. */
bool children_run_this(pid_t pid);

/* Kills all of them. */
void children_kill(pid_t pid);
