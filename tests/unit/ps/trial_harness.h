/* Drives several trials on a server of the server harness. What a trial holds is compared by the
 * digest of its saved shard, so by weights and moments. Any message that is not awaited fails the
 * test. */
#pragma once
#include "tests/unit/ps/server_harness.h"

enum { FORK = 1, SECOND = 2 };

/* A trial as the test drives it: its number, the leaves of its steps, its next step. */
struct trial {
    uint32_t trial, leaves;
    uint64_t step;
};

/* What a trial holds. */
struct trial_state {
    uint64_t step, updates;
    char digest[64];
};

/* Pushes the gradient that follows from the seed `draw`, of one block or of all. */
void trial_push(struct server_harness *s, const struct trial *trial, size_t block, uint64_t draw);
void trial_push_all(struct server_harness *s, const struct trial *trial, uint64_t draw);

/* Awaits the norms of the trial's step. */
void trial_await_norms(struct server_harness *s, const struct trial *trial);

/* Sends the decision on the step, and awaits the update. */
void trial_commit(struct server_harness *s, struct trial *trial);

/* Does a whole step with the gradient of a draw; steps up to `end`, each with its number as
 * draw. */
void trial_step(struct server_harness *s, struct trial *trial, uint64_t draw);
void trial_step_to(struct server_harness *s, struct trial *trial, uint64_t end);

/* Saves a trial and returns what it holds; awaits a save that was ordered before; returns what
 * trial 0 holds after so many steps on a server of its own. */
struct trial_state trial_save(struct server_harness *s, const struct trial *trial);
struct trial_state trial_await_saved(struct server_harness *s);
struct trial_state trial_alone(uint64_t steps);

void trial_check_same(struct trial_state found, struct trial_state expected);
void trial_check_other(struct trial_state found, struct trial_state expected);

/* Orders a fork with the configuration of trial 0 and one setting more, or NULL; of a parent, or of
 * a checkpoint. */
void trial_send_fork(struct server_harness *s, struct trial trial, uint32_t parent,
                     const char *setting);
void trial_send_fork_of(struct server_harness *s, struct trial trial, char *folder,
                        Trireme__Manifest *manifest);

/* Awaits the answer to a fork. refused: part of the sentence that refuses it, or NULL. */
void trial_await_forked(struct server_harness *s, uint32_t trial, const char *refused);

/* Forks at the parent's step, and awaits the answer. */
struct trial trial_fork(struct server_harness *s, uint32_t number, const struct trial *parent,
                        const char *setting);
void trial_send_drop(struct server_harness *s, uint32_t trial);

/* The manifest of what a trial saved in the harness's folder; the caller's, who frees it by
 * message_free. */
Trireme__Manifest *trial_manifest(const struct server_harness *s, uint64_t step, uint64_t updates);

/* Turns the server, which must not send that rank anything. */
void server_harness_check_silence(struct server_harness *s, int rank);
