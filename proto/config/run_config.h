/* The configuration of a run: read, resolved, checked as a whole. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stddef.h>
#include <stdint.h>

/* Reads a YAML file over the defaults (path NULL: only the defaults), applies "a.b=c" settings,
 * then resolves what was left open: the model's shape from `init.from` if that is a Hugging Face
 * directory, and sizes that follow from others. Checks rules between fields: heads and width, batch
 * and microbatch, contexts, rates. Freed by message_free. Fails with ERR_USAGE, or as
 * hugging_face_shape does. */
Trireme__Config *run_config_read(const char *path, char *const *settings, size_t n_settings,
                                 struct err *err);

/* The same for `train` in the run's folder, which need not be there. Where the Hugging Face
 * directory of `init.from` is gone, and that run began with it and has a checkpoint, what the file
 * leaves open of the model's shape is the run's. */
Trireme__Config *run_config_read_for(const char *run, const char *path, char *const *settings,
                                     size_t n_settings, struct err *err);

/* Fails with ERR_USAGE if the folder is no run: it has no config.yaml. */
int run_config_exists(const char *run, struct err *err);

/* Reads RUN/config.yaml of an existing run, also one that an earlier version wrote (earlier.h),
 * resolved and checked. Freed by message_free. NULL on error. */
Trireme__Config *run_config_of(const char *run, struct err *err);

/* What in RUN/config.yaml is of an earlier version, in words; fresh, or NULL. */
char *run_config_amended(const char *run);

/* Returns a copy of a configuration with the settings applied, resolved and checked. `init.from` is
 * not read again. Freed by message_free. NULL on error. */
Trireme__Config *run_config_change(const Trireme__Config *config, char *const *settings,
                                   size_t n_settings, struct err *err);

/* Writes RUN/config.yaml atomically, with the program's version in the first line. */
int run_config_write(const char *run, const Trireme__Config *config, struct err *err);

/* Returns the weights of the sources, in order. The caller frees them. */
double *run_config_weights(const Trireme__Config *config);

/* Tokens of a training sample; training samples that one window of the model's whole context is cut
 * into. */
uint32_t run_config_context(const Trireme__Config *config);
uint32_t run_config_parts(const Trireme__Config *config);

/* Leaves (microbatches) of a step; tokens of a step. */
uint32_t run_config_leaves(const Trireme__Config *config);
uint64_t run_config_step_tokens(const Trireme__Config *config);

/* Seconds from the start of mpirun until all ranks must be connected: wait.launch, or what stands
 * for 0. */
double run_config_launch_seconds(const Trireme__Config *config);

/* The data order of a trial (proto/order/segment.h). run_config_first_segment returns the segment
 * that a trial with this configuration begins with, after data.skip samples; freed by message_free.
 * run_config_append appends what follows from `sample` on, where `config` replaces `before`: it
 * skips as many samples as data.skip has grown. It fails with ERR_USAGE if data.skip is smaller
 * than before, and as order_append does. */
Trireme__Segment *run_config_first_segment(const Trireme__Config *config, struct err *err);
int run_config_append(Trireme__Segment ***segments, size_t *n_segments, uint64_t sample,
                      const Trireme__Config *config, const Trireme__Config *before,
                      struct err *err);
