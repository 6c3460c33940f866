/* What a server holds of one trial: its configuration, its shard of the state, and the progress of
 * its step.
 *
 * Messages name a trial by its number. server.c handles the messages. */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gather;
struct layout;
struct shard;
struct snapshot;
struct store;

/* A worker's request for weights that is not yet sent completely. */
struct pull {
    bool active;
    uint64_t step;
    size_t next_block;
};

struct server_trial {
    struct server_trial *next; /* of the server's list, which owns it */
    uint32_t number;
    Trireme__Config *config;
    struct store *store;
    struct gather *gather; /* of the step that is being summed */
    bool norms_sent;
    bool decision_waits; /* until the snapshot is written */
    double decision_came;
    Trireme__StepDecision decision;
    struct pull *pulls;        /* one a worker */
    struct snapshot *snapshot; /* NULL: nothing reads the store but this thread */
    uint64_t snapshot_step;
    bool dropped; /* freed when its snapshot is written */
};

/* Makes a trial with zeroed state. Copies the configuration. Borrowed: layout. */
struct server_trial *server_trial_new(uint32_t number, const Trireme__Config *config,
                                      const struct layout *layout, const struct shard *shard,
                                      size_t n_workers);

/* Waits for a snapshot that is being written. Accepts NULL. */
void server_trial_free(struct server_trial *trial);

/* Sets the first state of the trial that a launch begins with: from the checkpoint that it
 * continues, or first weights. */
int server_trial_start(struct server_trial *trial, const Trireme__Start *start, struct err *err);

/* Sets the first state of a fork: the parent's as committed now, or a checkpoint's if the order
 * names one (parent may then be NULL). The step is the order's. Fails with ERR_MACHINE if the
 * moments are of another optimizer than the fork's. After a failure the trial can only be freed. */
int server_trial_fork(struct server_trial *trial, const struct server_trial *parent,
                      const Trireme__Fork *fork, struct err *err);

/* A server's list. find: the live trial of that number, or NULL. add: the list owns the trial.
 * sweep: frees the dropped trials that no snapshot reads. */
struct server_trial *server_trial_find(struct server_trial *list, uint32_t number);
void server_trial_add(struct server_trial **list, struct server_trial *trial);
void server_trial_sweep(struct server_trial **list);

/* Begins to sum the next step's gradients. */
void server_trial_next_step(struct server_trial *trial);

/* Bytes that a trial is counted with where memory is limited: weights, moments, and one array more
 * for the sums of gradients. The buffers of the sums are made as parts arrive; there are more of
 * them where subtrees wait for each other. */
uint64_t server_trial_bytes(const struct shard *shard, const Trireme__Config *config);
