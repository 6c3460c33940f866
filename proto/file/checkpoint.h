/* The checkpoints of a run: RUN/checkpoints/step-00000100/, shards and a manifest that is written
 * last.
 *
 * A folder without a manifest is no checkpoint. A checkpoint is damaged if its manifest cannot be
 * read or its shards do not have the bytes that the manifest says. A damaged checkpoint is skipped
 * with a warning and never used in part. One that the system cannot read (an I/O error, no
 * permission, no memory) is not known to be damaged: that is ERR_MACHINE, and nothing is skipped,
 * renamed or removed. All functions are local. */
#pragma once
#include "base/err.h"
#include "base/warn.h"

#include "files.pb-c.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct layout;

/* Returns RUN/checkpoints/step-NNNNNNNN, which the caller frees. */
char *checkpoint_folder(const char *run, uint64_t step);

/* Returns the steps of the checkpoints that have a manifest, in ascending order; *n is 0 for a run
 * without checkpoints. The caller frees them. NULL on error. */
uint64_t *checkpoint_steps(const char *run, size_t *n, struct err *err);

/* Reads the manifest in a checkpoint's folder and checks it: its digest, its format, and that its
 * step is the one in the folder's name. Freed by message_free. Fails with ERR_DATA. */
Trireme__Manifest *checkpoint_manifest(const char *folder, struct err *err);

/* Writes the manifest, which completes the checkpoint, and makes it durable. */
int checkpoint_complete(const char *folder, const Trireme__Manifest *manifest, struct err *err);

/* Reads every byte of every shard and compares sizes and digests with the manifest. */
int checkpoint_verify(const char *folder, const Trireme__Manifest *manifest, struct err *err);

/* Finds the newest checkpoint that verifies. The caller owns the folder's path and the manifest.
 * `warn` gets one sentence for each damaged checkpoint that is skipped. If there is no checkpoint
 * at all, succeeds with *folder NULL. Fails with ERR_DATA if there are some and all are damaged,
 * with ERR_STOPPED where *stop (which may be NULL) becomes nonzero while bytes are read. */
int checkpoint_newest(char **folder, Trireme__Manifest **manifest, const char *run, warn_fn warn,
                      void *context, const volatile sig_atomic_t *stop, struct err *err);

/* To be called before the newest checkpoint is looked for, by the process that holds the run:
 * renames a complete step-NNNNNNNN.new to step-NNNNNNNN if no checkpoint has that name, because a
 * launch died in the middle of the replacement. */
int checkpoint_recover(const char *run, struct err *err);

/* Splits "RUN@STEP". A name without @, and that of a folder that is there, is a run's alone. The
 * caller frees *run. Fails with ERR_USAGE if no number stands behind the @. */
int checkpoint_name(char **run, bool *has_step, uint64_t *step, const char *name, struct err *err);

/* Opens and verifies the checkpoint of a step; as checkpoint_newest, but a damaged one is an error.
 */
int checkpoint_of_step(char **folder, Trireme__Manifest **manifest, const char *run, uint64_t step,
                       const volatile sig_atomic_t *stop, struct err *err);

/* Finds and verifies the checkpoint that "RUN" (the newest good one) or "RUN@STEP" names. The
 * caller owns the folder's path and the manifest. Fails with ERR_DATA if there is no good one, with
 * ERR_USAGE if the name is wrong. */
int checkpoint_find(char **folder, Trireme__Manifest **manifest, const char *name, warn_fn warn,
                    void *context, struct err *err);

/* To be called after the checkpoint of `step` was completed. Keeps it, the `keep` - 1 before it,
 * and those of the pinned steps. Removes the other checkpoints and unfinished folders of earlier
 * steps; step-NNNNNNNN.new and .aside, left by an interrupted replacement; and the suspended forks
 * in all checkpoints but that of `step`. Complete checkpoints of later steps are damaged ones that
 * were skipped when the launch began: they are renamed to step-NNNNNNNN.damaged and keep their
 * bytes. */
int checkpoint_prune(const char *run, uint64_t step, size_t keep, const uint64_t *pins,
                     size_t n_pins, struct err *err);

/* Reads the whole state in layout order into new arrays of n_params, which the caller frees.
 * moments may be NULL; otherwise it gets the n_moments arrays of the manifest's optimizer. */
int checkpoint_read(const char *folder, const Trireme__Manifest *manifest,
                    const struct layout *layout, float **weights, float *moments[2], int *n_moments,
                    struct err *err);
