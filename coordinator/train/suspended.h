/* Forks and tails that a launch which was asked to stop laid beside its checkpoint, each in a
 * folder of its name inside the trunk's: checkpoints/step-00000120/suspended/h3.1/. The launch that
 * goes on from there need not train them again, however short it is. They are worth having and
 * never needed: a fork that is not there begins again from the checkpoint of its first step. */
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

/* Those in a checkpoint (NULL: in none) that are good; warn gets a sentence for each one that is
 * damaged. None where the configuration that the trunk goes on with is not the checkpoint's: they
 * would have to change too. */
struct suspended *suspended_open(const char *checkpoint, const Trireme__Manifest *manifest,
                                 const Trireme__Config *in_force, warn_fn warn, void *context);
void suspended_free(struct suspended *suspended);

/* Whether the trial of that name was trained up to `step`, or further. */
bool suspended_has(const struct suspended *suspended, const char *name, uint64_t step);

/* Has a fork that is about to be made (name and config) go on where it was suspended: sets its
 * step, checkpoint and manifest, borrowed from here. Returns the manifest, or NULL, with nothing
 * set, where none of that name and configuration is there. */
const Trireme__Manifest *suspended_find(const struct suspended *suspended, struct fork *fork);
