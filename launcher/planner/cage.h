/* What a planner's program is locked in by, so that whatever it does it reads nothing of the run,
 * of its data and of its processes, changes nothing outside, and takes no more of the machine than
 * is bounded. Several layers, as none is everywhere, and none governs all:
 *
 *   Landlock     files are those that it needs, for reading (landlock)
 *   seccomp      no sockets, no other process's memory, no mounts, ... (call_filter)
 *   namespaces   its own user, pid, mount, network, ipc (namespaces): what it starts ends with it
 *   a root       of its own: what it may not read has no name (own_root)
 *   /proc        of its own: itself and what it started
 *   limits       of processes, memory, files (planner_limits)
 *
 * No new privileges, no capabilities and no inherited descriptors are always there. What of them a
 * machine offers is found out by trying, in a child. Local. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct cage_layers {
    unsigned landlock; /* its ABI; 0: none */
    bool calls;        /* seccomp */
    bool namespaces;
    bool root;      /* a file system of its own; needs them */
    bool proc;      /* likewise */
    bool processes; /* their number is bounded */
    int why;        /* errno of the namespaces or the root where one of them is missing */
};

/* Finds out what this machine offers. Takes milliseconds, and never longer than some seconds. */
void cage_ask(struct cage_layers *layers);

/* Whether what is there keeps files outside from being read. */
bool cage_hides_files(const struct cage_layers *layers);

/* What is missing, "Landlock, namespaces (Operation not permitted)", or what is there; "": nothing.
 */
void cage_missing(char *text, size_t size, const struct cage_layers *layers);
void cage_offered(char *text, size_t size, const struct cage_layers *layers);

struct cage;

/* readable: n absolute paths, files and folders with what is beneath them, copied; devices and
 * /proc need not be among them. work: a folder to work in, which exists when the cage is entered,
 * where there is no root with one of its own. layers: of cage_ask, or fewer. */
struct cage *cage_new(const struct cage_layers *layers, char *const *readable, size_t n,
                      const char *work);
/* Lets the program connect to others by IPv4 and IPv6: it listens to nobody. For a program of ours
 * that asks a server. */
void cage_open_network(struct cage *cage);
void cage_free(struct cage *cage);

/* The folder to work in as the program sees it; NULL in place of a folder outside: none is needed.
 * Borrowed. */
const char *cage_inside(const struct cage *cage);
const char *cage_outside(const struct cage *cage);

/* What a child tells by its pipe: why it could not be locked in, or, from a pid namespace, how the
 * program ended. */
enum cage_news { CAGE_FAILED = 1, CAGE_ENDED };
struct cage_report {
    enum cage_news news;
    int error;     /* errno */
    int status;    /* as of wait */
    char step[48]; /* what failed */
};

/* As fork, but for glibc's handlers: until it calls the next, the child may only do what is safe
 * after a fork of a process with threads. */
pid_t cage_fork(const struct cage *cage);

/* Locks the calling child in and executes the program, whose stdin, stdout and stderr are set, and
 * which gets no other descriptor. The child dies with the thread that made it. Does not return:
 * where something fails, that is told to `report`, the writing end of a pipe, as one struct
 * cage_report, and the exit status is CAGE_EXIT_FAILED. In a pid namespace the child stays as its
 * first process, so that signals and orphans are as everywhere for the program, tells how that
 * ended, and ends. */
enum { CAGE_EXIT_FAILED = 127 };
_Noreturn void cage_exec(const struct cage *cage, int report, const char *path, char *const *words,
                         char *const *variables);
