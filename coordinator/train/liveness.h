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

struct liveness;

/* Ranks 1 to n_servers are servers, the rest up to n_ranks - 1 workers. */
struct liveness *liveness_new(int n_ranks, int n_servers, double patience, double now);
void liveness_free(struct liveness *liveness);

void liveness_identify(struct liveness *liveness, int rank, const char *host, uint64_t pid);

/* One more of something is awaited of a rank; one of it came. */
void liveness_await(struct liveness *liveness, int rank, enum awaited what, double now);
void liveness_arrived(struct liveness *liveness, int rank, enum awaited what);
bool liveness_awaits(const struct liveness *liveness, enum awaited what); /* of any rank */

/* Something came from a rank; work is the count in its beat (UINT64_MAX: any other message, which
 * is work done). */
void liveness_heard(struct liveness *liveness, int rank, uint64_t work, double now);

/* A step took so long; the longest one stretches the deadline of ranks that live but do not get on.
 */
void liveness_step(struct liveness *liveness, double seconds);

/* The coordinator itself was away (a slow disk): nobody is blamed for that time. */
void liveness_forgive(struct liveness *liveness, double now);

/* Fails (ERR_MACHINE) with a sentence that names the rank and what was awaited of it: silent for
 * longer than the patience; or alive, but without getting on for ten times that and twenty times
 * the longest step. */
int liveness_check(struct liveness *liveness, double now, struct err *err);

/* "worker 1 (rank 2 on node7, process 4711)"; borrowed until the next call. */
const char *liveness_rank_name(struct liveness *liveness, int rank);
