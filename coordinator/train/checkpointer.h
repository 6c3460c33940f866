/* One checkpoint at a time, from the order to the manifest: makes the folder, collects the servers'
 * shards, then writes, in this order, the line in metrics.jsonl, the manifest, and removes what is
 * older than what is to be kept. */
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

/* Borrowed: run, metrics, and the roster, for what a manifest says of kernels and token files. */
struct checkpointer *checkpointer_new(const struct run *run, struct metrics *metrics,
                                      const struct roster *roster, int n_servers);
void checkpointer_free(struct checkpointer *checkpointer);

/* Begins the checkpoint of a state: `what` (copied) is its manifest but for what the checkpointer
 * itself knows (version, launch, shards, kernels, token files). Checkpoints of the pinned steps
 * (copied) are kept whatever their age. The folder to send to the servers is borrowed until the
 * next call; NULL with a sentence on error. */
const char *checkpointer_begin(struct checkpointer *checkpointer, const Trireme__Manifest *what,
                               const uint64_t *pins, size_t n_pins, struct err *err);

/* Begins to lay another line of training beside the newest complete checkpoint (suspended.h).
 * Returns as checkpointer_begin. */
const char *checkpointer_suspend(struct checkpointer *checkpointer, const Trireme__Manifest *what,
                                 const char *name, struct err *err);

/* A server's shard is on disk. With the last one the checkpoint is completed. */
int checkpointer_add_shard(struct checkpointer *checkpointer, int server,
                           const Trireme__Saved *saved, struct err *err);

/* Of what was begun last. Borrowed. */
const char *checkpointer_folder(const struct checkpointer *checkpointer);
bool checkpointer_busy(const struct checkpointer *checkpointer);
uint64_t checkpointer_step(
    const struct checkpointer *checkpointer); /* of the newest complete checkpoint; 0: none */
