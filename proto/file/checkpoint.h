/* The checkpoints of a run: RUN/checkpoints/step-00000100/, shards and a manifest that is written
 * last.
 *
 * A folder without a manifest is no checkpoint. One whose manifest cannot be read or whose shards
 * do not have the bytes that the manifest says is damaged: it is passed over with a loud line,
 * never used in part. All functions are local. */
#pragma once
#include "base/err.h"
#include "base/warn.h"

#include "files.pb-c.h"

#include <stddef.h>
#include <stdint.h>

struct layout;

/* RUN/checkpoints/step-NNNNNNNN in fresh memory. */
char *checkpoint_folder(const char *run, uint64_t step);

/* Steps of the checkpoints that have a manifest, in rising order; freed by the caller. A run
 * without any: n = 0. */
uint64_t *checkpoint_steps(const char *run, size_t *n, struct err *err);

/* Fresh manifest of a checkpoint's folder, of the step that the folder's name says; freed by
 * message_free. NULL with a sentence (ERR_DATA). */
Trireme__Manifest *checkpoint_manifest(const char *folder, struct err *err);

/* Writes the manifest, which completes the checkpoint, and makes it durable. */
int checkpoint_complete(const char *folder, const Trireme__Manifest *manifest, struct err *err);

/* Reads every byte of every shard and compares sizes and digests. */
int checkpoint_verify(const char *folder, const Trireme__Manifest *manifest, struct err *err);

/* The newest checkpoint that verifies: its folder and manifest, both the caller's. `warn` gets a
 * sentence for each one passed over. No checkpoint at all: *folder NULL and success. Some, and none
 * good: ERR_DATA. */
int checkpoint_newest(char **folder, Trireme__Manifest **manifest, const char *run, warn_fn warn,
                      void *context, struct err *err);

/* Before the newest is looked for, by whoever holds the run: step-NNNNNNNN.new that is complete
 * gets its name where a launch that died in the middle left no checkpoint of that name. */
int checkpoint_recover(const char *run, struct err *err);

/* The checkpoint that "RUN" (the newest good one) or "RUN@STEP" names, verified; ERR_DATA where
 * there is none. */
int checkpoint_find(char **folder, Trireme__Manifest **manifest, const char *name, warn_fn warn,
                    void *context, struct err *err);

/* After the checkpoint of `step` was completed: removes all but it, the `keep` - 1 before it, and
 * those of the pinned steps; unfinished folders older than it; step-NNNNNNNN.new and .aside, which
 * were to take a checkpoint's place; and what is suspended in all but it. Complete ones of later
 * steps are damaged ones that were passed over when the launch began: they keep their bytes as
 * step-NNNNNNNN.damaged. */
int checkpoint_prune(const char *run, uint64_t step, size_t keep, const uint64_t *pins,
                     size_t n_pins, struct err *err);

/* The whole state in layout order, in fresh arrays of n_params. moments may be NULL, else it gets
 * the n_moments that the manifest's optimizer has. */
int checkpoint_read(const char *folder, const Trireme__Manifest *manifest,
                    const struct layout *layout, float **weights, float *moments[2], int *n_moments,
                    struct err *err);
