#include "proto/file/safetensors.h"

#include "base/half.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/file/lfs_pointer.h"
#include "proto/schema/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADER_MAX = 100000000 }; /* the reference reader's own limit */

// clang-format off
static const struct {
    const char *name;
    enum safetensors_type type;
    size_t bits;
} types[] = {
    {"F32",  SAFETENSORS_F32,   32},
    {"F16",  SAFETENSORS_F16,   16},
    {"BF16", SAFETENSORS_BF16,  16},
    {"BOOL", SAFETENSORS_OTHER, 8 },
    {"U8",   SAFETENSORS_OTHER, 8 },
    {"I8",   SAFETENSORS_OTHER, 8 },
    {"I16",  SAFETENSORS_OTHER, 16},
    {"U16",  SAFETENSORS_OTHER, 16},
    {"I32",  SAFETENSORS_OTHER, 32},
    {"U32",  SAFETENSORS_OTHER, 32},
    {"F64",  SAFETENSORS_F64,   64},
    {"I64",  SAFETENSORS_OTHER, 64},
    {"U64",  SAFETENSORS_OTHER, 64},
};
// clang-format on

static const struct node *child(const struct node *map, const char *key)
{
    for (size_t i = 0; i < map->n; i++)
        if (!strcmp(map->children[i].key, key))
            return &map->children[i];
    return NULL;
}

/* Reads a whole number of the header. False for anything else. */
static bool whole(const struct node *node, size_t *value)
{
    if (!node || node->kind != NODE_LITERAL || !*node->text ||
        strspn(node->text, "0123456789") != strlen(node->text))
        return false;
    errno = 0;
    unsigned long long v = strtoull(node->text, NULL, 10);
    *value = (size_t)v;
    return errno == 0;
}

/* Reads type, shape and place of one tensor. Returns NULL, or why they are refused. */
static const char *read_entry(struct safetensors_entry *entry, size_t *begin, size_t *end,
                              const struct node *node, size_t data_size)
{
    if (node->kind != NODE_MAP)
        return "its description is no object";
    const struct node *type = child(node, "dtype"), *shape = child(node, "shape"),
                      *place = child(node, "data_offsets");
    if (!type || type->kind != NODE_STRING || !shape || shape->kind != NODE_LIST || !place ||
        place->kind != NODE_LIST || place->n != 2)
        return "dtype, shape or data_offsets is missing";
    size_t t = 0;
    while (t < sizeof types / sizeof *types && strcmp(types[t].name, type->text))
        t++;
    if (t == sizeof types / sizeof *types)
        return "its dtype is not known";
    if (shape->n > SAFETENSORS_DIMS_MAX)
        return "it has more than 8 dimensions";
    entry->type = types[t].type;
    entry->n_dims = (int)shape->n;
    entry->count = 1;
    for (size_t d = 0; d < shape->n; d++) {
        if (!whole(&shape->children[d], &entry->shape[d]) ||
            __builtin_mul_overflow(entry->count, entry->shape[d], &entry->count))
            return "its shape is no list of sizes";
    }
    size_t bytes = 0;
    if (__builtin_mul_overflow(entry->count, types[t].bits / 8, &bytes))
        return "its shape is no list of sizes";
    if (!whole(&place->children[0], begin) || !whole(&place->children[1], end) || *begin > *end ||
        *end > data_size)
        return "its data_offsets lie outside the file";
    return *end - *begin == bytes ? NULL : "its data_offsets do not fit its shape";
}

bool safetensors_name_is_plain(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < ' ' || *name == 0x7f)
            return false;
    return true;
}

struct span {
    size_t begin, end;
};

static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct safetensors_entry *)a)->name,
                  ((const struct safetensors_entry *)b)->name);
}

static int read_header(struct safetensors *file, const struct node *root, const char *path,
                       const unsigned char *data, size_t data_size, struct err *err)
{
    struct span *spans = mem_new(root->n, sizeof *spans);
    int rc = 0;
    for (size_t i = 0; i < root->n && rc == 0; i++) {
        const struct node *node = &root->children[i];
        if (!strcmp(node->key, "__metadata__"))
            continue;
        if (!safetensors_name_is_plain(node->key)) {
            rc = err_set(err, ERR_DATA, "%s: the name of tensor %zu has control characters", path,
                         file->n);
            break;
        }
        struct safetensors_entry *entry = &file->entries[file->n];
        struct span *span = &spans[file->n];
        const char *reason = read_entry(entry, &span->begin, &span->end, node, data_size);
        if (reason) {
            rc = err_set(err, ERR_DATA, "%s: tensor '%s' is refused: %s", path, node->key, reason);
            break;
        }
        entry->name = mem_strdup(node->key);
        entry->bytes = data + span->begin;
        file->n++;
    }
    if (rc == 0) {
        qsort(spans, file->n, sizeof *spans, compare_spans);
        size_t at = 0;
        for (size_t i = 0; i < file->n && rc == 0; at = spans[i++].end)
            if (spans[i].begin != at)
                rc = err_set(err, ERR_DATA, "%s: the tensors leave a hole or overlap at byte %zu",
                             path, at);
        if (rc == 0 && at != data_size)
            rc = err_set(err, ERR_DATA, "%s: found %zu bytes of tensors, expected %zu", path,
                         data_size, at);
        qsort(file->entries, file->n, sizeof *file->entries, compare_entries);
    }
    free(spans);
    return rc;
}

int safetensors_open(struct safetensors *file, const char *path, struct err *err)
{
    *file = (struct safetensors){0};
    struct safetensors opened = {0};
    if (file_map_open(&opened.map, path, ERR_DATA, err) < 0)
        return -1;
    if (lfs_pointer_refuse(path, opened.map.bytes, opened.map.size, err) < 0)
        goto fail;
    uint64_t n = 0;
    if (opened.map.size >= sizeof n)
        memcpy(&n, opened.map.bytes, sizeof n);
    if (opened.map.size < sizeof n || n > HEADER_MAX || n > opened.map.size - sizeof n) {
        err_set(
            err, ERR_DATA,
            "%s: found a header of %llu bytes in a file of %zu: cut short, or no safetensors file",
            path, (unsigned long long)n, opened.map.size);
        goto fail;
    }
    const struct node *root = opened.header =
        json_node_read((const char *)opened.map.bytes + sizeof n, n, path, ERR_DATA, err);
    if (!root)
        goto fail;
    if (root->kind != NODE_MAP) {
        err_set(err, ERR_DATA, "%s: the header is no JSON object", path);
        goto fail;
    }
    opened.entries = mem_new(root->n, sizeof *opened.entries);
    if (read_header(&opened, root, path, opened.map.bytes + sizeof n + n,
                    opened.map.size - sizeof n - n, err) < 0)
        goto fail;
    *file = opened;
    return 0;
fail:
    safetensors_close(&opened);
    return -1;
}

void safetensors_close(struct safetensors *file)
{
    for (size_t i = 0; i < file->n; i++)
        free(file->entries[i].name);
    free(file->entries);
    node_free(file->header);
    file_map_close(&file->map);
    *file = (struct safetensors){0};
}

const struct safetensors_entry *safetensors_find(const struct safetensors *file, const char *name)
{
    struct safetensors_entry key = {.name = (char *)name};
    return file->n ? bsearch(&key, file->entries, file->n, sizeof key, compare_entries) : NULL;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key)
{
    const struct node *notes = child(file->header, "__metadata__"),
                      *note = notes && notes->kind == NODE_MAP ? child(notes, key) : NULL;
    return note && note->kind == NODE_STRING ? note->text : NULL;
}

bool safetensors_floats(const struct safetensors_entry *entry, size_t first, size_t n, float *out)
{
    if (entry->type == SAFETENSORS_OTHER)
        return false;
    if (entry->type == SAFETENSORS_F32) {
        memcpy(out, entry->bytes + first * sizeof *out, n * sizeof *out);
        return true;
    }
    for (size_t i = 0; i < n && entry->type == SAFETENSORS_F64; i++) {
        double x;
        memcpy(&x, entry->bytes + (first + i) * sizeof x, sizeof x);
        out[i] = (float)x;
    }
    for (size_t i = 0; i < n && entry->type != SAFETENSORS_F64; i++) {
        uint16_t bits;
        memcpy(&bits, entry->bytes + (first + i) * sizeof bits, sizeof bits);
        out[i] = entry->type == SAFETENSORS_BF16 ? half_from_bf16(bits) : half_from_fp16(bits);
    }
    return true;
}

static int compare_parts(const void *a, const void *b)
{
    return strcmp(((const struct safetensors_part *)a)->name,
                  ((const struct safetensors_part *)b)->name);
}

size_t safetensors_part_bytes(const struct safetensors_part *part)
{
    size_t t = 0;
    while (types[t].type != part->type)
        t++;
    return part->shape[0] * (part->n_dims == 2 ? part->shape[1] : 1) * (types[t].bits / 8);
}

static const char *type_name(enum safetensors_type type)
{
    size_t t = 0;
    while (types[t].type != type)
        t++;
    return types[t].name;
}

/* Writes length and JSON, padded with blanks to a multiple of eight. */
static void write_header(struct text *out, const struct safetensors_note *notes, size_t n_notes,
                         const struct safetensors_part *parts, size_t n)
{
    struct text json = {0};
    text_add(&json, "{\"__metadata__\":{\"format\":\"pt\"");
    for (size_t i = 0; i < n_notes; i++)
        text_printf(&json, ",\"%s\":\"%s\"", notes[i].key, notes[i].value);
    text_add(&json, "}");
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        text_printf(&json, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%zu", parts[i].name,
                    type_name(parts[i].type), parts[i].shape[0]);
        if (parts[i].n_dims == 2)
            text_printf(&json, ",%zu", parts[i].shape[1]);
        size_t end = at + safetensors_part_bytes(&parts[i]);
        text_printf(&json, "],\"data_offsets\":[%zu,%zu]}", at, end);
        at = end;
    }
    text_add(&json, "}");
    while (json.size % 8)
        text_add(&json, " ");
    uint64_t size = json.size;
    text_add_bytes(out, &size, sizeof size);
    text_add_bytes(out, json.bytes, json.size);
    text_clear(&json);
}

int safetensors_write(const char *path, struct safetensors_part *parts, size_t n,
                      struct digest *digest, uint64_t *bytes, enum err_code code, struct err *err)
{
    return safetensors_write_noted(path, NULL, 0, parts, n, digest, bytes, code, err);
}

int safetensors_write_noted(const char *path, const struct safetensors_note *notes, size_t n_notes,
                            struct safetensors_part *parts, size_t n, struct digest *digest,
                            uint64_t *bytes, enum err_code code, struct err *err)
{
    qsort(parts, n, sizeof *parts, compare_parts);
    struct text header = {0};
    write_header(&header, notes, n_notes, parts, n);
    struct file_writer *writer = file_writer_open(path, code, err);
    if (!writer) {
        text_clear(&header);
        return -1;
    }
    struct digest_stream *stream = digest_stream_new();
    digest_stream_add(stream, header.bytes, header.size);
    file_writer_add(writer, header.bytes, header.size);
    uint64_t size = header.size;
    for (size_t i = 0; i < n; i++) {
        size_t n_bytes = safetensors_part_bytes(&parts[i]);
        digest_stream_add(stream, parts[i].numbers, n_bytes);
        file_writer_add(writer, parts[i].numbers, n_bytes);
        size += n_bytes;
    }
    text_clear(&header);
    struct digest d = digest_stream_end(stream);
    if (file_writer_end(writer, err) < 0)
        return -1;
    if (digest)
        *digest = d;
    if (bytes)
        *bytes = size;
    return 0;
}
