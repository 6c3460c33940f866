/* What a server holds of one trial: its configuration, its shard of the state, and how far its step
 * has come.
 *
 * A trial's number is its name in messages. What is done with a trial, and what is sent of it, is
 * in server.c. */
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

/* What a worker asked for and has not been sent whole. */
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
    bool decision_waits; /* for the snapshot */
    double decision_came;
    Trireme__StepDecision decision;
    struct pull *pulls;        /* one a worker */
    struct snapshot *snapshot; /* NULL: nothing reads the store but this thread */
    uint64_t snapshot_step;
    bool dropped; /* lives on only until its snapshot is written */
};

/* Zeroed state. Copies the configuration. Borrowed: layout. */
struct server_trial *server_trial_new(uint32_t number, const Trireme__Config *config,
                                      const struct layout *layout, const struct shard *shard,
                                      size_t n_workers);

/* Waits for a snapshot that is under way. Accepts NULL. */
void server_trial_free(struct server_trial *trial);

/* First state of the trial that a launch begins with: of the checkpoint that it continues, or first
 * weights. */
int server_trial_start(struct server_trial *trial, const Trireme__Start *start, struct err *err);

/* First state of a fork: its parent's as committed now, or a checkpoint's where the order names one
 * (parent may be NULL). Its step is the order's. Refuses (ERR_MACHINE) another optimizer than the
 * one that made the moments; after a failure the trial is only good to be freed. */
int server_trial_fork(struct server_trial *trial, const struct server_trial *parent,
                      const Trireme__Fork *fork, struct err *err);

/* A server's list: the live trial of that number, or NULL; one more, which the list owns; those
 * that were dropped and that no snapshot reads are freed. */
struct server_trial *server_trial_find(struct server_trial *list, uint32_t number);
void server_trial_add(struct server_trial **list, struct server_trial *trial);
void server_trial_sweep(struct server_trial **list);

/* Begins to sum the next step's gradients. */
void server_trial_next_step(struct server_trial *trial);

/* Bytes that a trial counts for where memory is short: weights, moments, and one array more for the
 * sums of gradients. Their buffers are made as parts arrive: more of them where subtrees wait for
 * each other. */
uint64_t server_trial_bytes(const struct shard *shard, const Trireme__Config *config);
