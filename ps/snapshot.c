#include "ps/snapshot.h"

#include "base/digest.h"
#include "base/mem.h"
#include "math/optimizer.h"
#include "proto/file/shard_file.h"
#include "ps/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

struct snapshot {
    const struct store *store; /* borrowed */
    char *folder;
    size_t k, n_servers;
    pthread_t thread;
    bool has_thread;
    atomic_bool done;
    /* written by the thread before done */
    int rc;
    struct err err;
    struct digest digest;
    uint64_t bytes;
};

static void *snapshot_write(void *argument)
{
    struct snapshot *s = argument;
    s->rc = shard_file_write(s->folder, s->k, s->n_servers, s->store->layout, &s->store->shard,
                             s->store->weights, s->store->moments, s->store->rule->n_moments,
                             &s->digest, &s->bytes, &s->err);
    atomic_store(&s->done, true);
    return NULL;
}

struct snapshot *snapshot_begin(const struct store *store, const char *folder, size_t k,
                                size_t n_servers)
{
    struct snapshot *s = mem_new(1, sizeof *s);
    s->store = store;
    s->folder = mem_strdup(folder);
    s->k = k, s->n_servers = n_servers;
    atomic_init(&s->done, false);
    s->has_thread = pthread_create(&s->thread, NULL, snapshot_write, s) == 0;
    if (!s->has_thread)
        snapshot_write(s); // the system grants no thread: training waits for the file
    return s;
}

bool snapshot_done(const struct snapshot *snapshot)
{
    return atomic_load(&snapshot->done);
}

int snapshot_end(struct snapshot *s, Trireme__Shard *shard, struct err *err)
{
    if (s->has_thread)
        pthread_join(s->thread, NULL);
    int rc = s->rc;
    if (rc < 0) {
        *err = s->err;
    } else {
        char hex[DIGEST_HEX_SIZE];
        digest_hex(hex, s->digest);
        shard->file = shard_file_name(s->k, s->n_servers);
        shard->digest = mem_strdup(hex);
        shard->has_bytes = 1, shard->bytes = s->bytes;
    }
    free(s->folder);
    free(s);
    return rc;
}
