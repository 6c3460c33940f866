/* What the coordinator knows of the other ranks: who they are, when they were last heard, and what
 * is awaited of them. So that every wait has a bound and a name. Time is passed in; pure. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum awaited {
    AWAIT_READY,
    AWAIT_LOSSES,
    AWAIT_NORMS,
    AWAIT_COMMIT,
    AWAIT_EVAL,
    AWAIT_SHARD,
    AWAIT_FORK
};

struct watch;

/* Ranks 1 to n_servers are servers, the rest up to n_ranks - 1 workers. */
struct watch *watch_new(int n_ranks, int n_servers, double patience, double now);
void watch_free(struct watch *watch);

void watch_identify(struct watch *watch, int rank, const char *host, uint64_t pid);

/* One more of something is awaited of a rank; one of it came. */
void watch_await(struct watch *watch, int rank, enum awaited what, double now);
void watch_arrived(struct watch *watch, int rank, enum awaited what);
bool watch_awaits(const struct watch *watch, enum awaited what); /* of any rank */

/* Something came from a rank; work is the count in its beat (UINT64_MAX: any other message, which
 * is work done). */
void watch_heard(struct watch *watch, int rank, uint64_t work, double now);

/* A step took so long; the longest one stretches the deadline of ranks that live but do not get on.
 */
void watch_step(struct watch *watch, double seconds);

/* The coordinator itself was away (a slow disk): nobody is blamed for that time. */
void watch_forgive(struct watch *watch, double now);

/* Fails (ERR_MACHINE) with a sentence that names the rank and what was awaited of it: silent for
 * longer than the patience; or alive, but without getting on for ten times that and twenty times
 * the longest step. */
int watch_check(struct watch *watch, double now, struct err *err);

/* "worker 1 (rank 2 on node7, process 4711)"; borrowed until the next call. */
const char *watch_name(struct watch *watch, int rank);
