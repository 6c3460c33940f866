/* The configuration of a run: read, resolved, checked as a whole. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stddef.h>
#include <stdint.h>

/* Reads a YAML file over the defaults (path NULL: only the defaults), applies "a.b=c" settings,
 * then resolves: the model's shape from `init.from` where that is a Hugging Face directory, open
 * sizes, defaults that follow from others. What fields say together is checked: heads and width,
 * batch and microbatch, contexts, rates. Fresh; freed by message_free. NULL with a sentence
 * (ERR_USAGE). */
Trireme__Config *run_config_read(const char *path, char *const *settings, size_t n_settings,
                                 struct err *err);

/* Refuses (ERR_USAGE) a folder that is no run. */
int run_config_exists(const char *run, struct err *err);

/* RUN/config.yaml of a run that exists. */
Trireme__Config *run_config_of(const char *run, struct err *err);

/* The same over a configuration that is there: settings applied to a copy, resolved, checked. */
Trireme__Config *run_config_change(const Trireme__Config *config, char *const *settings,
                                   size_t n_settings, struct err *err);

/* Writes RUN/config.yaml, with the version that wrote it. */
int run_config_write(const char *run, const Trireme__Config *config, struct err *err);

/* Shares of the sources, in order; freed by the caller. */
double *run_config_weights(const Trireme__Config *config);

/* Tokens of a sample that is trained on, and how many of them a window of the model's whole context
 * is cut into. */
uint32_t run_config_context(const Trireme__Config *config);
uint32_t run_config_parts(const Trireme__Config *config);

/* Leaves of a step: its microbatches. Tokens of a step. */
uint32_t run_config_leaves(const Trireme__Config *config);
uint64_t run_config_step_tokens(const Trireme__Config *config);

/* The data order of a trial (proto/order/segment.h): the segment that one with this configuration
 * begins with, data.skip samples passed over; and what follows from `sample` on where `config`
 * comes into force after `before`, as many samples passed over as its data.skip is larger.
 * ERR_USAGE for a data.skip that is smaller; other errors are order_append's. */
Trireme__Segment *run_config_first_segment(const Trireme__Config *config, struct err *err);
int run_config_append(Trireme__Segment ***segments, size_t *n_segments, uint64_t sample,
                      const Trireme__Config *config, const Trireme__Config *before,
                      struct err *err);
