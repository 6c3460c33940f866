/* Writes checkpoints, one at a time, from the order to the manifest: makes the folder, collects the
 * servers' shards, then writes the line in metrics.jsonl and the manifest, in this order, and
 * removes checkpoints that are not to be kept. Before each of these it asks whether the run is
 * still this launch's (run_check). */
#pragma once
#include "base/err.h"

#include "control.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct checkpointer;
struct metrics;
struct roster;
struct run;

/* run, metrics and roster (kernels and token files for the manifest) are borrowed. */
struct checkpointer *checkpointer_new(const struct run *run, struct metrics *metrics,
                                      const struct roster *roster, int n_servers);
void checkpointer_free(struct checkpointer *checkpointer);

/* Begins a checkpoint. what (copied): its manifest, without what is filled in here (version,
 * incarnation, shards, kernels, token files). Checkpoints of the pinned steps (copied) are not
 * removed. Returns the folder to send to the servers, borrowed until the next call; NULL with a
 * sentence on error. */
const char *checkpointer_begin(struct checkpointer *checkpointer, const Trireme__Manifest *what,
                               const uint64_t *pins, size_t n_pins, struct err *err);

/* Begins to save another trial beside the newest complete checkpoint (suspended.h). Returns as
 * checkpointer_begin. */
const char *checkpointer_suspend(struct checkpointer *checkpointer, const Trireme__Manifest *what,
                                 const char *name, struct err *err);

/* Adds a server's shard, which is on disk. The last one completes the checkpoint. */
int checkpointer_add_shard(struct checkpointer *checkpointer, int server,
                           const Trireme__Saved *saved, struct err *err);

/* From hold to release no checkpoint is completed: one that has all its shards waits, and stays
 * busy; a later one takes its place. release completes the one that waits. */
void checkpointer_hold(struct checkpointer *checkpointer);
int checkpointer_release(struct checkpointer *checkpointer, struct err *err);

/* Folder of what was begun last. Borrowed. */
const char *checkpointer_folder(const struct checkpointer *checkpointer);

/* Whether shards are missing, or it waits for the release. */
bool checkpointer_busy(const struct checkpointer *checkpointer);

/* Step of the newest complete checkpoint; 0: there is none. */
uint64_t checkpointer_step(const struct checkpointer *checkpointer);
