/* Several trials on a server that is turned by hand (server_scene.h). What a trial holds is
 * compared by the digest of its saved shard: weights and moments. Whatever comes that is not
 * awaited is a failure. */
#pragma once
#include "tests/unit/ps/server_scene.h"

enum { FORK = 1, SECOND = 2 };

/* A trial as the test drives it. */
struct arm {
    uint32_t trial, leaves;
    uint64_t step;
};

struct arm_state {
    uint64_t step, updates;
    char digest[64];
};

/* Pushes one block's gradient of a draw; the same, of all blocks. */
void arm_push(struct scene *s, const struct arm *arm, size_t block, uint64_t draw);
void arm_push_all(struct scene *s, const struct arm *arm, uint64_t draw);

void arm_await_norms(struct scene *s, const struct arm *arm);

/* Gives the decision, and awaits the update. */
void arm_commit(struct scene *s, struct arm *arm);

/* A whole step with the gradient of a draw; and steps until `end`, each with the draw of its
 * number. */
void arm_step(struct scene *s, struct arm *arm, uint64_t draw);
void arm_step_to(struct scene *s, struct arm *arm, uint64_t end);

/* What a trial holds now; what one holds whose save was ordered; what trial 0 holds after so many
 * steps alone. */
struct arm_state arm_save(struct scene *s, const struct arm *arm);
struct arm_state arm_await_saved(struct scene *s);
struct arm_state arm_alone(uint64_t steps);

void arm_check_same(struct arm_state found, struct arm_state expected);
void arm_check_other(struct arm_state found, struct arm_state expected);

/* Orders a fork with the configuration of trial 0 and one setting more, or NULL; of a parent, or of
 * a checkpoint. */
void arm_send_fork(struct scene *s, struct arm arm, uint32_t parent, const char *setting);
void arm_send_fork_of(struct scene *s, struct arm arm, char *folder, Trireme__Manifest *manifest);

/* FORKED comes; refused: part of its sentence, or NULL. */
void arm_await_forked(struct scene *s, uint32_t trial, const char *refused);

/* A fork where its parent stands. */
struct arm arm_fork(struct scene *s, uint32_t number, const struct arm *parent,
                    const char *setting);
void arm_send_drop(struct scene *s, uint32_t trial);

/* The manifest of what a trial of the scene saved in its folder; freed by message_free. */
Trireme__Manifest *arm_manifest(const struct scene *s, uint64_t step, uint64_t updates);

/* After a turn there is no message for that rank. */
void scene_check_silence(struct scene *s, int rank);
