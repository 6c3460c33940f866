#include "proto/file/shard_file.h"

#include "base/file.h"
#include "base/file_sure.h"
#include "base/mem.h"
#include "proto/file/safetensors.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/shard_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const kinds[] = {"weight", "moment1", "moment2"};

char *shard_file_name(size_t k, size_t n_servers)
{
    return mem_format("shard-%zu-of-%zu.safetensors", k, n_servers);
}

/* One tensor's rows in a shard. */
struct slice {
    const struct tensor *tensor;
    size_t row, end;
};

/* Lists the rows of each tensor in [offset, offset + count). Both ends are at the edges of rows. */
static size_t slices_of(struct slice *slices, const struct layout *layout, size_t offset,
                        size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < layout->n_tensors; i++) {
        const struct tensor *t = &layout->tensors[i];
        size_t first = t->offset > offset ? t->offset : offset;
        size_t end = t->offset + tensor_count(t) < offset + count ? t->offset + tensor_count(t)
                                                                  : offset + count;
        if (first < end)
            slices[n++] = (struct slice){.tensor = t,
                                         .row = (first - t->offset) / t->columns,
                                         .end = (end - t->offset) / t->columns};
    }
    return n;
}

int shard_file_write(const char *folder, size_t k, size_t n_servers, const struct layout *layout,
                     const struct shard *shard, const float *weights, float *const moments[],
                     int n_moments, struct digest *digest, uint64_t *bytes, struct err *err)
{
    struct slice *slices = mem_new(layout->n_tensors, sizeof *slices);
    size_t n_slices = slices_of(slices, layout, shard->offset, shard->count), n = 0;
    struct safetensors_part *parts = mem_new(n_slices * (size_t)(1 + n_moments), sizeof *parts);
    for (int kind = 0; kind <= n_moments; kind++)
        for (size_t i = 0; i < n_slices; i++) {
            const struct slice *s = &slices[i];
            const struct tensor *t = s->tensor;
            bool whole = s->row == 0 && s->end == t->rows;
            const float *array = kind == 0 ? weights : moments[kind - 1];
            parts[n++] = (struct safetensors_part){
                .name = whole ? mem_format("%s/%s", kinds[kind], t->name)
                              : mem_format("%s/%s[%zu:%zu]", kinds[kind], t->name, s->row, s->end),
                .n_dims = t->n_dims,
                .shape = {s->end - s->row, t->columns},
                .numbers = array + (t->offset + s->row * t->columns - shard->offset),
            };
        }
    char *name = shard_file_name(k, n_servers), *path = file_join(folder, name);
    int rc = safetensors_write(path, parts, n, digest, bytes, ERR_TRAIN, err);
    for (size_t i = 0; i < n; i++)
        free((char *)parts[i].name);
    free(parts);
    free(slices);
    free(path);
    free(name);
    return rc;
}

/* Reads a key like "moment1/head.weight[8:16]". False if it names nothing of this layout. */
static bool parse_key(const char *key, const struct layout *layout, int *kind, struct slice *slice)
{
    const char *slash = strchr(key, '/'), *bracket = strchr(key, '[');
    if (!slash)
        return false;
    for (*kind = 0; *kind < 3; (*kind)++)
        if (strlen(kinds[*kind]) == (size_t)(slash - key) &&
            !memcmp(kinds[*kind], key, (size_t)(slash - key)))
            break;
    size_t length = bracket ? (size_t)(bracket - slash - 1) : strlen(slash + 1);
    for (size_t i = 0; i < layout->n_tensors && *kind < 3; i++) {
        const struct tensor *t = &layout->tensors[i];
        if (strlen(t->name) != length || memcmp(t->name, slash + 1, length))
            continue;
        *slice = (struct slice){.tensor = t, .row = 0, .end = t->rows};
        int end = 0;
        if (bracket && (sscanf(bracket, "[%zu:%zu]%n", &slice->row, &slice->end, &end) != 2 ||
                        !end || bracket[end]))
            return false;
        return slice->row < slice->end && slice->end <= t->rows;
    }
    return false;
}

struct span {
    int kind;
    size_t first, last;
};

struct target {
    const struct layout *layout;
    size_t offset, count;
    float *arrays[3];   /* weights, moments; NULL: not wanted */
    struct span *spans; /* elements that were read */
    size_t n_spans, spans_room;
};

/* Adds a span. False if some of it was read before. */
static bool span_add(struct target *target, struct span span)
{
    for (size_t i = 0; i < target->n_spans; i++)
        if (target->spans[i].kind == span.kind && target->spans[i].first < span.last &&
            span.first < target->spans[i].last)
            return false;
    target->spans =
        mem_grow(target->spans, target->n_spans, &target->spans_room, sizeof *target->spans);
    target->spans[target->n_spans++] = span;
    return true;
}

static size_t spans_count(const struct target *target, int kind)
{
    size_t count = 0;
    for (size_t i = 0; i < target->n_spans; i++)
        if (target->spans[i].kind == kind)
            count += target->spans[i].last - target->spans[i].first;
    return count;
}

/* Opens the file and compares its size with the manifest's. */
static int open_whole(int *fd, const char *path, const Trireme__Shard *shard, struct err *err)
{
    uint64_t size = 0;
    if (file_sure_open(fd, &size, path, err) < 0)
        return -1;
    if (!shard->has_bytes || size == shard->bytes)
        return 0;
    close(*fd);
    return err_set(err, ERR_DATA, "%s: found %llu bytes, expected %llu", path,
                   (unsigned long long)size, (unsigned long long)shard->bytes);
}

/* The numbers are read, not mapped: a file that is cut short or cannot be read meanwhile is an
 * error, not the end of the process. */
static int read_shard(struct target *target, const char *path, const Trireme__Shard *shard,
                      struct err *err)
{
    struct safetensors file;
    int fd = -1;
    if (open_whole(&fd, path, shard, err) < 0)
        return -1;
    int rc = safetensors_open(&file, path, err);
    for (size_t i = 0; i < file.n && rc == 0; i++) {
        const struct safetensors_entry *e = &file.entries[i];
        struct slice slice;
        int kind = 0;
        if (!parse_key(e->name, target->layout, &kind, &slice) || e->type != SAFETENSORS_F32 ||
            e->count != (slice.end - slice.row) * slice.tensor->columns) {
            rc = err_set(err, ERR_DATA, "%s: tensor '%s' does not belong to this model", path,
                         e->name);
            break;
        }
        size_t begin = slice.tensor->offset + slice.row * slice.tensor->columns,
               end = begin + e->count;
        size_t first = begin > target->offset ? begin : target->offset;
        size_t last = end < target->offset + target->count ? end : target->offset + target->count;
        if (first >= last || !target->arrays[kind])
            continue;
        if (!span_add(target, (struct span){kind, first, last})) {
            rc =
                err_set(err, ERR_DATA, "%s: tensor '%s' is in the checkpoint twice", path, e->name);
            break;
        }
        const size_t at = (size_t)(e->bytes - file.map.bytes);
        rc =
            file_sure_at(fd, path, target->arrays[kind] + (first - target->offset),
                         at + (first - begin) * sizeof(float), (last - first) * sizeof(float), err);
    }
    safetensors_close(&file);
    close(fd);
    return rc;
}

int shard_files_read(const char *folder, const Trireme__Manifest *manifest,
                     const struct layout *layout, size_t offset, size_t count, float *weights,
                     float *const moments[], int n_moments, struct err *err)
{
    struct target target = {
        .layout = layout, .offset = offset, .count = count, .arrays = {weights}};
    for (int m = 0; m < n_moments; m++)
        target.arrays[1 + m] = moments[m];
    int rc = 0;
    for (size_t i = 0; i < manifest->n_shards && rc == 0; i++) {
        char *path = file_join(folder, manifest->shards[i]->file);
        rc = read_shard(&target, path, manifest->shards[i], err);
        free(path);
    }
    for (int kind = 0; kind <= n_moments && rc == 0; kind++)
        if (spans_count(&target, kind) != count)
            rc = err_set(err, ERR_DATA, "%s: found %zu numbers of kind %s, expected %zu", folder,
                         spans_count(&target, kind), kinds[kind], count);
    free(target.spans);
    return rc;
}
