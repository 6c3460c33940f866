#include "proto/file/hugging_face_write.h"

#include "base/file.h"
#include "base/half.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/file/hugging_face_config.h"
#include "proto/file/hugging_face_names.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    const char *folder;
    const struct hugging_face_form *form;
    const struct hugging_face_piece *pieces;
    const float *weights;
    size_t n;
};

static const char *type_name(enum safetensors_type type)
{
    return type == SAFETENSORS_F16 ? "float16" : type == SAFETENSORS_BF16 ? "bfloat16" : "float32";
}

static size_t piece_bytes(const struct writer *w, size_t i)
{
    return w->pieces[i].rows * w->pieces[i].columns * (w->form->type == SAFETENSORS_F32 ? 4 : 2);
}

static int refuse_number(const struct hugging_face_piece *p, enum safetensors_type type,
                         size_t place, float number, struct err *err)
{
    size_t columns = p->turned ? p->rows : p->columns;
    char *at = p->n_dims == 2 ? mem_format("[%zu, %zu]", place / columns, place % columns)
                              : mem_format("[%zu]", place);
    if (isfinite(number))
        err_set(err, ERR_DATA,
                "tensor '%s': found %g at %s, which is too large for %s: export as bf16 or fp32",
                p->name, (double)number, at, type_name(type));
    else
        err_set(err, ERR_DATA, "tensor '%s': found %g at %s, expected finite numbers", p->name,
                (double)number, at);
    free(at);
    return -1;
}

/* Returns the numbers of a piece in the file's order and type. The caller frees them. NULL on
 * error. */
static void *piece_numbers(const struct writer *w, size_t i, struct err *err)
{
    const struct hugging_face_piece *p = &w->pieces[i];
    const float *in = w->weights + p->offset;
    size_t count = p->rows * p->columns;
    float *wide = mem_floats(count);
    for (size_t r = 0; r < p->rows; r++)
        for (size_t c = 0; c < p->columns; c++)
            wide[p->turned ? c * p->rows + r : r * p->columns + c] = in[r * p->columns + c];
    enum safetensors_type type = w->form->type;
    uint16_t *narrow = type == SAFETENSORS_F32 ? NULL : mem_new(count, sizeof *narrow);
    for (size_t k = 0; k < count; k++) {
        float number = wide[k];
        if (type == SAFETENSORS_F16)
            number = half_from_fp16(narrow[k] = half_to_fp16(number));
        else if (type == SAFETENSORS_BF16)
            number = half_from_bf16(narrow[k] = half_to_bf16(number));
        if (!isfinite(number)) {
            refuse_number(p, type, k, wide[k], err);
            free(wide);
            free(narrow);
            return NULL;
        }
    }
    if (!narrow)
        return wide;
    free(wide);
    return narrow;
}

/* Writes pieces [first, end) into one file. */
static int write_file(const struct writer *w, const char *name, size_t first, size_t end,
                      struct err *err)
{
    struct safetensors_part *parts = mem_new(end - first, sizeof *parts);
    int rc = 0;
    for (size_t i = first; i < end && rc == 0; i++) {
        const struct hugging_face_piece *p = &w->pieces[i];
        void *numbers = piece_numbers(w, i, err);
        rc = numbers ? 0 : -1;
        parts[i - first] = (struct safetensors_part){
            .name = p->name,
            .n_dims = p->n_dims,
            .shape = {p->turned ? p->columns : p->rows, p->turned ? p->rows : p->columns},
            .numbers = numbers,
            .type = w->form->type
        };
    }
    char *path = file_join(w->folder, name);
    if (rc == 0)
        rc = safetensors_write_noted(path, w->form->notes, w->form->n_notes, parts, end - first,
                                     NULL, NULL, ERR_USAGE, err);
    free(path);
    for (size_t i = first; i < end; i++)
        free((void *)parts[i - first].numbers);
    free(parts);
    return rc;
}

/* Sets first[k] to the first piece of each shard, and first[*n_shards] to their number: pieces in
 * their order, as many as fit. */
static size_t *cut(const struct writer *w, size_t *n_shards)
{
    size_t *first = mem_new(w->n + 1, sizeof *first), n = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < w->n; i++) {
        uint64_t more = piece_bytes(w, i);
        if (i == 0 || bytes + more > w->form->shard_bytes)
            first[n++] = i, bytes = 0;
        bytes += more;
    }
    first[n] = w->n;
    *n_shards = n;
    return first;
}

static char *shard_name(size_t k, size_t n)
{
    return mem_format("model-%05zu-of-%05zu.safetensors", k + 1, n);
}

static int write_index(const struct writer *w, const size_t *first, size_t n_shards,
                       struct err *err)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < w->n; i++)
        bytes += piece_bytes(w, i);
    struct text json = {0};
    text_printf(&json, "{\n  \"metadata\": {\"total_size\": %" PRIu64, bytes);
    for (size_t i = 0; i < w->form->n_notes; i++)
        text_printf(&json, ", \"%s\": \"%s\"", w->form->notes[i].key, w->form->notes[i].value);
    text_add(&json, "},\n  \"weight_map\": {\n");
    for (size_t k = 0; k < n_shards; k++) {
        char *name = shard_name(k, n_shards);
        for (size_t i = first[k]; i < first[k + 1]; i++)
            text_printf(&json, "    \"%s\": \"%s\"%s\n", w->pieces[i].name, name,
                        i + 1 < w->n ? "," : "");
        free(name);
    }
    text_add(&json, "  }\n}\n");
    char *path = file_join(w->folder, "model.safetensors.index.json");
    int rc = file_write_atomic(path, json.bytes, json.size, ERR_USAGE, err);
    free(path);
    text_clear(&json);
    return rc;
}

int hugging_face_write(const char *folder, const Trireme__Model *model, const struct layout *layout,
                       const float *weights, const struct hugging_face_form *form, struct err *err)
{
    static const struct hugging_face_form usual = {SAFETENSORS_F32, 5000000000, NULL, 0};
    struct writer w = {folder, form ? form : &usual, NULL, weights, 0};
    w.pieces = hugging_face_names_pieces(model, layout, &w.n);
    size_t n_shards = 0;
    size_t *first = cut(&w, &n_shards);
    int rc = 0;
    for (size_t k = 0; k < n_shards && rc == 0; k++) {
        char *name = n_shards == 1 ? mem_strdup("model.safetensors") : shard_name(k, n_shards);
        rc = write_file(&w, name, first[k], first[k + 1], err);
        free(name);
    }
    if (rc == 0 && n_shards > 1)
        rc = write_index(&w, first, n_shards, err);
    if (rc == 0)
        rc = hugging_face_config_write(folder, model, type_name(w.form->type), err);
    free(first);
    free((void *)w.pieces);
    return rc;
}
