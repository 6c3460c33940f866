/* What the coordinator knows of the other ranks: who they are, when a message of each came last,
 * and what is awaited from each. It gives every wait a bound and a name. Time is passed in; pure.
 */
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
    AWAIT_FORK,
    AWAIT_FILES
};

struct liveness;

/* Ranks 1 to n_servers are servers, the rest up to n_ranks - 1 workers. */
struct liveness *liveness_new(int n_ranks, int n_servers, double patience, double now);
void liveness_free(struct liveness *liveness);

void liveness_identify(struct liveness *liveness, int rank, const char *host, uint64_t pid);

/* One more message of a kind is awaited from a rank; one of them arrived; none is any more. */
void liveness_await(struct liveness *liveness, int rank, enum awaited what, double now);
void liveness_arrived(struct liveness *liveness, int rank, enum awaited what);
void liveness_forget(struct liveness *liveness, int rank, enum awaited what);
bool liveness_awaits(const struct liveness *liveness, enum awaited what); /* of any rank */

/* A message came from a rank. work: the count in its beat, or UINT64_MAX for any other message,
 * which counts as progress. */
void liveness_heard(struct liveness *liveness, int rank, uint64_t work, double now);

/* A step took so many seconds. The longest step extends the deadline of ranks that send beats but
 * make no progress. */
void liveness_step(struct liveness *liveness, double seconds);

/* The coordinator itself did not run for a while (a slow disk): that time does not count for
 * anybody. */
void liveness_forgive(struct liveness *liveness, double now);

/* ERR_MACHINE with a sentence that names the rank and what was awaited from it, if a rank was
 * silent for longer than the patience, or made no progress for ten times the patience and twenty
 * times the longest step. */
int liveness_check(struct liveness *liveness, double now, struct err *err);

/* "worker 1 (rank 2 on node7, process 4711)"; borrowed until the next call. */
const char *liveness_rank_name(struct liveness *liveness, int rank);
