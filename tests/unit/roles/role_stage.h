/* A stage for all three roles in one thread: each time that the coordinator looks at its mail,
 * every other rank is turned once. So coordinator_run itself is played, and whoever waits for room
 * keeps its place until the next turn.
 */
#pragma once
#include "tests/unit/support.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/coordinator.h"
#include "coordinator/run/run.h"
#include "proto/config/run_config.h"
#include "proto/file/checkpoint.h"
#include "proto/net/endpoint.h"
#include "proto/net/link.h"
#include "proto/net/local_transport.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/tensor/layout.h"
#include "ps/server.h"
#include "worker/worker.h"

#include "control.pb-c.h"

enum { STAGE_RANKS_MAX = 16, STAGE_TOKENS = 6 * 16384 };

struct stage;

struct stage_endpoint { /* rank 0's */
    struct endpoint base;
    struct endpoint *inner;
    struct stage *stage;
};

struct actor {
    void *role;
    struct link *link;
    role_turn_fn turn;
    bool over, failed, silent;
    int code; /* of the END that it got; -1: none */
};

struct stage {
    int n_ranks, n_servers;
    struct stage_endpoint front;
    struct endpoint *endpoints[STAGE_RANKS_MAX];
    struct actor actors[STAGE_RANKS_MAX];
    int silent_rank;       /* falls silent; 0: none */
    uint64_t silent_after; /* turns */
    uint64_t turns;
    double turned;
};

/* How a play is to go. */
struct play {
    int servers, workers, room;
    lease_plan_fn plan;
    volatile sig_atomic_t *stop;
    int silent_rank;
    uint64_t silent_after;
    int expected;            /* code with which the run is to end */
    bool may_stop;           /* or it is stopped on request */
    struct planner *planner; /* taken over; or NULL */
    const char *replay;
    bool allow_noop;
    uint64_t killed_after; /* turns in which rank 0 did something; then nobody does anything, as if
                              all were killed; 0: never */
};

void stage_open(struct stage *stage, const struct play *play);

/* All ranks hear the end. */
void stage_finish(struct stage *stage);

void stage_close(struct stage *stage);

void no_warning(void *context, const char *sentence);

/* Plays a planned run to its end, which must be the expected one; its sentence goes to *how. Frees
 * the plan. False where it was stopped, or all were killed, before its end. */
bool stage_play(struct run *run, const struct play *play, struct err *how);

/* llm.c's token file with 16-bit tokens below 256 that follow from the seed. */
void stage_write_tokens(const char *folder, const char *name, uint32_t seed, uint32_t n);

/* A configuration of a small model over the defaults; settings end with NULL. */
Trireme__Config *stage_config(const char *data, const char *const *settings);

/* Everything that a checkpoint holds. */
struct kept {
    uint64_t step, samples;
    size_t n;
    int n_moments;
    float *arrays[3]; /* weights, moments */
};

struct kept kept_read(const char *run, uint64_t step);

void kept_free(struct kept *kept);

void kept_check_equal(const struct kept *found, const struct kept *expected);

/* The lines of metrics.jsonl without their times, which no two runs share. Checks that steps 1 to
 * `steps` are each there once, in order. */
char *metrics_of(const char *run, uint64_t steps);
