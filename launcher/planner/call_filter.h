/* The system calls that a planner's program may not make: a BPF program for seccomp. What is
 * refused gets EPERM, so that interpreters go on; calls that are newer than the list, and those
 * whose arguments lie in memory and have an older form (clone3, openat2), get ENOSYS, on which the
 * C library takes the older form. A call by another architecture's numbers kills the process; those
 * of x32 are above the list. x86_64 and aarch64. Local.
 *
 * Refused are: sockets, but for pairs of streams (and, if the network is let, those that connect
 * to it); ptrace and what reads or changes other processes; mounts and namespaces; keys, BPF,
 * io_uring, userfaultfd, perf; memory that no limit counts, and what others share by a number
 * (System V); characters pushed into a terminal; signals by way of a descriptor's owner; files
 * opened for neither reading nor writing, which Landlock lets pass. What follows is refused only
 * where nothing else keeps it inside. */
#pragma once
#include <stdbool.h>

struct call_filter;

struct call_filter_holes {
    bool files; /* it sees files outside: their modes, owners, times and sizes are not changed */
    bool processes; /* it sees processes outside: their limits and priorities are not changed, and
                       it leaves its group, by which it is ended, not */
    bool signals;   /* it could send signals to them: it sends them to itself and its group only */
    bool network;   /* it connects by IPv4 and IPv6, which is not refused then */
};

/* Whether there is such a program for this machine, and the kernel takes it. */
bool call_filter_works(void);

/* Freed with free(). */
struct call_filter *call_filter_new(const struct call_filter_holes *holes);

/* For the calling thread and what it starts. For a child between fork and exec, in memory of its
 * own; needs no_new_privs. Returns 0, or the errno. */
int call_filter_install(struct call_filter *filter);
