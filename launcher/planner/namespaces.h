/* Namespaces of its own for a child: user, pid, mount, network, ipc. In them it has no network,
 * sees no process of others, and its mounts are its own. For a child between fork and exec. Local.
 */
#pragma once
#include <stdbool.h>
#include <sys/types.h>

/* Flags of clone for the first two, which the child must be made with. */
enum { NAMESPACES_AT_CLONE = 0x30000000 /* CLONE_NEWUSER | CLONE_NEWPID */ };

/* The child, that alone in its process, becomes the user and group that it was before, and enters
 * the others; network: not that of the network. Returns 0, or the errno. */
int namespaces_enter(uid_t user, gid_t group, bool network);

/* Takes all capabilities away, those of the namespaces too, so that no program that is executed
 * gets any. Needs no_new_privs. Returns 0, or the errno. */
int namespaces_drop_capabilities(void);
