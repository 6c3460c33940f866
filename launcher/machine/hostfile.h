/* The hosts that a hostfile of Open MPI names. It is read before mpirun reads it, so that a mistake
 * in it is one sentence with the line's number.
 *
 * A line is a host (a name, or USER@NAME, or ^NAME: all but that one), then any of slots=N,
 * max-slots=N and the like. '#' begins a comment. Local. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct host {
    char *name;     /* as it is written, without USER@ */
    unsigned slots; /* 0: not said */
};

struct hostfile {
    struct host *hosts; /* each name once, in the order of the file */
    size_t n;
};

/* Reads the file. ERR_USAGE where it cannot be read, a line is not understood, or it names no host.
 * To be cleared, also after a failure. */
int hostfile_read(struct hostfile *hostfile, const char *path, struct err *err);
void hostfile_clear(struct hostfile *hostfile);

/* Whether a host's name has dots and is no address: Open MPI cuts names at their first dot unless
 * it is told not to. */
bool hostfile_has_dots(const struct hostfile *hostfile);

/* Whether the name is that of the machine that this process runs on, as far as names tell. */
bool hostfile_is_here(const char *name);

/* Whether a host is named that is not this one. */
bool hostfile_has_others(const struct hostfile *hostfile);
