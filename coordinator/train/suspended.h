/* Suspended trials: forks and tails that a launch saved beside its checkpoint when it was asked to
 * stop, each in a folder of its name inside the trunk's: checkpoints/step-00000120/suspended/h3.1/.
 * The launch that continues need not train them again, so launches may be shorter than a pair. They
 * are an optimisation: a fork that is missing begins again from the checkpoint of its first step.
 */
#pragma once
#include "base/err.h"
#include "base/warn.h"

#include "files.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

struct fork;
struct suspended;

/* Folder of one, in fresh memory. */
char *suspended_folder(const char *checkpoint, const char *name);

/* Opens those of a checkpoint (NULL: there are none) that verify; warn gets a sentence for each
 * damaged one. NULL, with ERR_MACHINE, if one cannot be read. There are none if the trunk continues
 * with another configuration than the checkpoint's. */
struct suspended *suspended_open(const char *checkpoint, const Trireme__Manifest *manifest,
                                 const Trireme__Config *in_force, warn_fn warn, void *context,
                                 struct err *err);
void suspended_free(struct suspended *suspended);

/* Whether a trial of that name was trained up to `step` or further. */
bool suspended_has(const struct suspended *suspended, const char *name, uint64_t step);

/* Makes a fork that is about to begin (name, config) continue where it was suspended: sets its
 * step, checkpoint and manifest, borrowed from here. Returns the manifest; or NULL, with nothing
 * set, if none of that name and configuration is there. */
const Trireme__Manifest *suspended_find(const struct suspended *suspended, struct fork *fork);
