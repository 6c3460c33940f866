/* A checkpoint's shard on its way to disk, while the server goes on serving: a thread writes the
 * store's arrays as they stand, so the store must not be updated before snapshot_done. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stdbool.h>

struct snapshot;
struct store;

/* Begins to write shard k of n into the folder. Borrowed until the end: store. */
struct snapshot *snapshot_begin(const struct store *store, const char *folder, size_t k,
                                size_t n_servers);

/* Whether the thread has finished, well or not. Local, never waits. */
bool snapshot_done(const struct snapshot *snapshot);

/* Waits for the thread and frees the snapshot; file, bytes and digest of the shard on success (file
 * is the caller's). */
int snapshot_end(struct snapshot *snapshot, Trireme__Shard *shard, struct err *err);
