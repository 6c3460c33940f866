/* safetensors files (huggingface/safetensors, "Format"): a 64-bit little-endian length N, N bytes
 * of JSON that name each tensor's type, shape and place, then the tensors, row-major and without
 * gaps.
 *
 * Reading checks everything before anything is used: the header's length against the file, every
 * offset against the size that type and shape say, no hole, no overlap, the end of the last tensor
 * against the end of the file. */
#pragma once
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node;

enum { SAFETENSORS_DIMS_MAX = 8 };
enum safetensors_type {
    SAFETENSORS_F32,
    SAFETENSORS_F16,
    SAFETENSORS_BF16,
    SAFETENSORS_F64,
    SAFETENSORS_OTHER
};

/* A pair of texts in the header's "__metadata__". Written ones have no characters that JSON
 * escapes. */
struct safetensors_note {
    const char *key, *value;
};

struct safetensors_entry {
    char *name;
    enum safetensors_type type;
    int n_dims;
    size_t shape[SAFETENSORS_DIMS_MAX];
    size_t count;               /* elements */
    const unsigned char *bytes; /* in the mapped file */
};

struct safetensors {
    struct file_map map;
    struct safetensors_entry *entries; /* sorted by name */
    size_t n;
    struct node *header; /* the JSON text as a tree */
};

/* Whether a tensor's name can stand in a sentence: it has no control characters. */
bool safetensors_name_is_plain(const char *name);

/* Maps and checks a file. Fails with ERR_DATA; the sentence names file and tensor. A Git LFS
 * pointer is called that. */
int safetensors_open(struct safetensors *file, const char *path, struct err *err);
void safetensors_close(struct safetensors *file);

/* Returns the tensor of that name, or NULL if there is none. */
const struct safetensors_entry *safetensors_find(const struct safetensors *file, const char *name);

/* Returns the text of that key in "__metadata__", owned by the file, or NULL. */
const char *safetensors_metadata(const struct safetensors *file, const char *key);

/* Writes elements [first, first + n) of an F32, F16, BF16 or F64 tensor as floats, F64 rounded to
 * the nearest. Returns false for other types. */
bool safetensors_floats(const struct safetensors_entry *entry, size_t first, size_t n, float *out);

/* One tensor to write. The name has no characters that JSON escapes. */
struct safetensors_part {
    const char *name;
    int n_dims;
    size_t shape[2];
    const void *numbers;        /* of the type */
    enum safetensors_type type; /* SAFETENSORS_OTHER cannot be written */
};

/* Size of its numbers. */
size_t safetensors_part_bytes(const struct safetensors_part *part);

/* Writes a file whole or not at all, and durably. The parts are sorted by name in place. digest and
 * bytes (of the whole file) may be NULL. */
int safetensors_write(const char *path, struct safetensors_part *parts, size_t n,
                      struct digest *digest, uint64_t *bytes, enum err_code code, struct err *err);

/* The same with notes in "__metadata__". */
int safetensors_write_noted(const char *path, const struct safetensors_note *notes, size_t n_notes,
                            struct safetensors_part *parts, size_t n, struct digest *digest,
                            uint64_t *bytes, enum err_code code, struct err *err);
