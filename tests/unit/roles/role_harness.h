/* Runs a coordinator, servers and workers in one thread: each time that the coordinator polls for
 * messages, every other rank is turned once. The coordinator's own loop, coordinator_run, works
 * unchanged. */
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

enum { HARNESS_RANKS_MAX = 16, HARNESS_TRIALS_MAX = 256, VALIDATION_TOKENS = 6 * 16384 };

struct role_harness;

/* The coordinator's endpoint: turns the other ranks at each poll. */
struct harness_endpoint {
    struct endpoint base;
    struct endpoint *inner; /* of the local transport */
    struct role_harness *harness;
};

/* A server or a worker, which the harness owns. */
struct harness_rank {
    void *role;
    struct link *link;
    role_turn_fn turn;
    bool over, failed;
    bool silent; /* it is not turned any more */
    int code;    /* of the END that it got; -1: none */
};

struct role_harness {
    int n_ranks, n_servers;
    struct harness_endpoint front; /* rank 0's */
    struct endpoint *endpoints[HARNESS_RANKS_MAX];
    struct harness_rank ranks[HARNESS_RANKS_MAX];
    int silent_rank;       /* which falls silent; 0: none */
    uint64_t silent_after; /* so many signs of its progress (link.h: work) */
    double turned;         /* when all were turned last */
    int deaf_rank;         /* which takes forks in with the run's own configuration; 0: none */
    Trireme__Config *own;  /* that configuration */
    double broken_lr;      /* trials with that rate, or all (0), have no finite loss */
    uint64_t broken_after; /* from the update after that step on; 0: they have */
    bool broken[HARNESS_TRIALS_MAX]; /* which trials they are */
    void *losses; /* those that rank 0 was given last in the place of finite ones */
};

/* How a run is launched, and how it is to end. */
struct harness_launch {
    int servers, workers;
    int room;           /* of the transport; 0: 2 */
    lease_plan_fn plan; /* borrowed, or NULL */
    volatile sig_atomic_t *stop;
    int silent_rank;         /* which falls silent; 0: none */
    uint64_t silent_after;   /* so many signs of its progress */
    int deaf_rank;           /* which takes forks in with the run's own configuration; 0: none */
    double broken_lr;        /* trials with that rate, or all (0), have no finite loss */
    uint64_t broken_after;   /* from the update after that step on; 0: they have */
    int expected;            /* code with which the run is to end */
    bool may_stop;           /* it may be stopped on request instead */
    struct planner *planner; /* which the launch frees; or NULL */
    const char *replay;
    bool allow_noop;
    uint64_t killed_after; /* turns in which rank 0 did something; then no rank does anything any
                              more, as if all were killed; 0: never */
};

/* Makes the ranks, which role_harness_close frees. */
void role_harness_open(struct role_harness *harness, const struct harness_launch *launch);

/* Turns all ranks until they have got the END, or fails. */
void role_harness_finish(struct role_harness *harness);

void role_harness_close(struct role_harness *harness);

/* Claims and trains a planned run to its end, which must be the expected one; its sentence goes to
 * *how. Clears the run. False where it was stopped, or all were killed, before its end. */
bool role_harness_run(struct run *run, const struct harness_launch *launch, struct err *how);

/* Writes the token files of the source that `data` has under that name: n training tokens that
 * follow from the seed, and VALIDATION_TOKENS that follow from the next one where validation is
 * wanted. */
void role_harness_write_source(const char *data, const char *name, uint32_t seed, uint32_t n,
                               bool validation);

/* The configuration of a small model with the sources a and b of `data`, and with settings, which
 * end with NULL; the caller's. */
Trireme__Config *role_harness_config(const char *data, const char *const *settings);

/* All that a checkpoint holds; checkpoint_state_free frees the arrays. */
struct checkpoint_state {
    uint64_t step, samples;
    size_t n;
    int n_moments;
    float *arrays[3]; /* weights, moments */
};

struct checkpoint_state checkpoint_state_read(const char *run, uint64_t step);

void checkpoint_state_free(struct checkpoint_state *kept);

void checkpoint_state_check_equal(const struct checkpoint_state *found,
                                  const struct checkpoint_state *expected);

/* The lines of metrics.jsonl without their times, which no two runs share; the caller's. Fails
 * unless steps 1 to `steps` are each there once, in order. */
char *metrics_of(const char *run, uint64_t steps);
