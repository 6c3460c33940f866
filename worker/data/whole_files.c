#include "worker/data/whole_files.h"

#include "base/check.h"
#include "base/digest.h"
#include "base/mem.h"
#include "proto/schema/message.h"
#include "worker/data/dataset.h"
#include "worker/data/source.h"
#include "worker/data/token_file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 20 };

struct whole_files {
    const struct dataset *dataset; /* borrowed */
    Trireme__RunData *data;
    pthread_t thread;
    atomic_bool stop, done;
    atomic_ullong bytes;
    /* written by the thread before done */
    int rc;
    struct err err;
};

/* false: it was stopped. */
static bool digest_file(struct digest *digest, struct whole_files *w, const struct file_map *map)
{
    struct digest_stream *stream = digest_stream_new();
    for (size_t at = 0; at < map->size && !atomic_load(&w->stop); at += PIECE) {
        const size_t n = map->size - at < PIECE ? map->size - at : PIECE;
        digest_stream_add(stream, map->bytes + at, n);
        atomic_fetch_add(&w->bytes, n);
    }
    *digest = digest_stream_end(stream);
    return !atomic_load(&w->stop);
}

static int read_source(struct whole_files *w, const struct source *source, size_t *row)
{
    for (size_t i = 0; i < source_files(source); i++) {
        const char *expected;
        const struct token_file *file = source_file(source, i, &expected);
        struct digest digest;
        char hex[DIGEST_HEX_SIZE];
        if (!digest_file(&digest, w, &file->map))
            return -1;
        digest_hex(hex, digest);
        if (expected && strcmp(hex, expected))
            return err_set(&w->err, ERR_DATA,
                           "%s: found digest %s, expected %s as in data.yaml: its bytes are not "
                           "those that were prepared",
                           file->path, hex, expected);
        while (w->data->files[*row]->use == TRIREME__READ_FILE__USE__unread)
            ++*row;
        w->data->files[(*row)++]->digest = mem_strdup(hex);
    }
    return 0;
}

static void *read_all(void *argument)
{
    struct whole_files *w = argument;
    size_t row = 0;
    for (size_t s = 0; s < dataset_sources(w->dataset) && w->rc == 0; s++)
        w->rc = read_source(w, dataset_source(w->dataset, s), &row);
    atomic_store(&w->done, true);
    return NULL;
}

struct whole_files *whole_files_begin(const struct dataset *dataset)
{
    struct whole_files *w = mem_new(1, sizeof *w);
    w->dataset = dataset;
    w->data = dataset_describe(dataset);
    atomic_init(&w->stop, false);
    atomic_init(&w->done, false);
    atomic_init(&w->bytes, 0);
    ASSERT(pthread_create(&w->thread, NULL, read_all, w) == 0);
    return w;
}

bool whole_files_done(const struct whole_files *w)
{
    return atomic_load(&w->done);
}

uint64_t whole_files_bytes(const struct whole_files *w)
{
    return atomic_load(&w->bytes);
}

Trireme__RunData *whole_files_end(struct whole_files *w, struct err *err)
{
    pthread_join(w->thread, NULL);
    Trireme__RunData *data = w->data;
    if (w->rc < 0) {
        *err = w->err;
        message_free(data);
        data = NULL;
    }
    free(w);
    return data;
}

void whole_files_stop(struct whole_files *w)
{
    if (!w)
        return;
    struct err err;
    atomic_store(&w->stop, true);
    message_free(whole_files_end(w, &err));
}
