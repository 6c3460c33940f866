/* Landlock: the kernel keeps the calling thread, and what it starts, from files that are not named
 * here. Rights that an ABI of the kernel does not have cannot be asked of it, so each is masked by
 * the ABI; what the first ones do not govern (truncating by path before 3, TCP before 4, signals
 * and abstract sockets before 6; connecting to a socket's path: none so far) is for the call filter
 * and the namespaces. Local. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { LANDLOCK_ABI_SIGNALS = 6 /* the first that keeps signals inside */ };

enum landlock_use {
    LANDLOCK_READ,   /* read, list, execute */
    LANDLOCK_WORK,   /* all, but for making devices and sockets */
    LANDLOCK_DEVICE, /* read and write, as /dev/null */
};

struct landlock_place {
    const char *path; /* a file, or a folder with all beneath it */
    enum landlock_use use;
};

/* The ABI of this kernel; 0: it has none, or it is switched off. */
unsigned landlock_abi(void);

/* Leaves the calling thread these places alone, under the rights of that ABI, which is not above
 * the kernel's; paths that are not there are passed over. network: it may connect to others by TCP.
 * For a child between fork and exec; needs no_new_privs. Returns 0, or the errno of what failed. */
int landlock_restrict(unsigned abi, const struct landlock_place *places, size_t n, bool network);
