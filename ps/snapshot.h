/* The writing of a checkpoint's shard while the server goes on serving: a thread writes the store's
 * arrays directly, so the store must not be updated before snapshot_done. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stdbool.h>

struct snapshot;
struct store;

/* Begins to write shard k of n_servers into the folder. Borrowed until snapshot_end: store. */
struct snapshot *snapshot_begin(const struct store *store, const char *folder, size_t k,
                                size_t n_servers);

/* Whether the thread has finished, well or not. Local, never waits. */
bool snapshot_done(const struct snapshot *snapshot);

/* Waits for the thread and frees the snapshot. On success sets file, digest and bytes of the shard;
 * the caller frees file and digest. */
int snapshot_end(struct snapshot *snapshot, Trireme__Shard *shard, struct err *err);
