/* Calls under way: each runs in a child process, so that one which waits holds up nobody, one that
 * is cancelled ends, and one that fails takes nothing with it.
 *
 * A child writes the reply into a pipe and ends; it is killed when its time is over, when its
 * client cancels, and when this process dies. Its standard output is this process's standard error,
 * and it has none of its other open files. At most CALLS_MAX at once. Local; not for several
 * threads. */
#pragma once
#include "launcher/mcp/mcp.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    CALLS_MAX = 16,
    CALLS_SECONDS = 660,         /* of a call, at most, where a client waits */
    CALLS_REPLY_BYTES = 64 << 20 /* of a reply, at most */
};

struct calls;

/* seconds, reply_bytes: of a call, at most. */
struct calls *calls_new(const struct mcp_server *server, double seconds, size_t reply_bytes);
void calls_free(struct calls *calls); /* kills what is under way; accepts NULL */

/* Starts a call, which it takes. owner: whom the reply is for, told by calls_next. Returns NULL, or
 * the reply where it cannot be started, which the caller frees. */
char *calls_start(struct calls *calls, struct mcp_call *call, void *owner);

/* Fills in what to poll for, and whose call each is (owners: or NULL). Returns how many (at most
 * CALLS_MAX). */
size_t calls_poll(const struct calls *calls, struct pollfd *polls, void **owners);

/* Seconds until the next call's time is over; negative: none is under way. */
double calls_patience(const struct calls *calls);

/* Reads what has come. Returns the reply of one that has ended, which the caller frees, with its
 * owner; NULL if none has. To be called until then. */
char *calls_next(struct calls *calls, void **owner);

/* Ends the call of that id, or of that owner, without a reply. */
void calls_cancel(struct calls *calls, const char *id);
void calls_forget(struct calls *calls, const void *owner);

/* Ends one that is under way, whose client is told why. Returns the reply, which the caller frees,
 * with its owner; NULL: none is under way. */
char *calls_end(struct calls *calls, const char *why, void **owner);
size_t calls_under_way(const struct calls *calls);
