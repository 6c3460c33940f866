/* Another process of this machine, as Linux tells of it in /proc/PID/stat. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
    pid_t session;  /* number of its session */
    uint64_t began; /* in ticks since the system did: another process of that number has another */
    bool ended; /* nothing of it is left but its exit code, which its parent has not asked for */
};

/* Looks at it. False, with ended set, if it is gone or the system does not tell. */
bool process_look(struct process *process, pid_t pid);
