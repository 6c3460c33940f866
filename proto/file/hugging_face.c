#include "proto/file/hugging_face.h"

#include "base/mem.h"
#include "base/text.h"
#include "proto/file/hugging_face_files.h"
#include "proto/file/hugging_face_names.h"
#include "proto/file/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Writes sizes or indices as "[2, 3]". */
static char *list_of(const size_t *numbers, int n)
{
    struct text text = {0};
    text_add(&text, "[");
    for (int d = 0; d < n; d++)
        text_printf(&text, "%s%zu", d ? ", " : "", numbers[d]);
    text_add(&text, "]");
    return text_take(&text);
}

static int check_shape(const struct hugging_face_piece *p, const struct hugging_face_found *found,
                       struct err *err)
{
    const struct safetensors_entry *e = found->entry;
    size_t shape[] = {p->turned ? p->columns : p->rows, p->turned ? p->rows : p->columns};
    if (e->type == SAFETENSORS_OTHER)
        return err_set(err, ERR_DATA,
                       "%s: tensor '%s' is of a type that is not read, expected F32, F16, BF16 or "
                       "F64",
                       found->path, e->name);
    if (e->n_dims == p->n_dims && !memcmp(e->shape, shape, (size_t)p->n_dims * sizeof *shape))
        return 0;
    char *theirs = list_of(e->shape, e->n_dims), *ours = list_of(shape, p->n_dims);
    err_set(err, ERR_DATA, "%s: tensor '%s': found shape %s, expected %s", found->path, e->name,
            theirs, ours);
    free(theirs);
    free(ours);
    return -1;
}

/* Fails if a tied model's head, which is not read, would be another one than the embedding. */
static int check_head(const struct hugging_face_files *files, size_t embedding, struct err *err)
{
    const struct hugging_face_found *found = &files->found[embedding], *head = &files->head;
    size_t count = found->entry->count, i = 0;
    if (!head->entry)
        return 0;
    if (head->entry->n_dims == found->entry->n_dims &&
        !memcmp(head->entry->shape, found->entry->shape,
                (size_t)found->entry->n_dims * sizeof *found->entry->shape) &&
        head->entry->type != SAFETENSORS_OTHER) {
        enum { PIECE = 4096 };
        float ours[PIECE], theirs[PIECE];
        bool equal = true;
        for (; i < count && equal; i += PIECE) {
            size_t n = count - i < PIECE ? count - i : PIECE;
            safetensors_floats(found->entry, i, n, ours);
            safetensors_floats(head->entry, i, n, theirs);
            equal = !memcmp(ours, theirs, n * sizeof *ours);
        }
        if (equal)
            return 0;
    }
    return err_set(err, ERR_DATA,
                   "%s: tensor '%s' differs from '%s', but config.json says tie_word_embeddings: "
                   "leave it out, or set that to false",
                   head->path, head->entry->name, found->entry->name);
}

/* Opens the files and checks what hugging_face_check says. The caller closes them and frees the
 * pieces, but not on failure. */
static int open_checked(struct hugging_face_files *files, struct hugging_face_piece **pieces,
                        size_t *n, const char *folder, const Trireme__Model *model,
                        const struct layout *layout, struct err *err)
{
    *pieces = hugging_face_names_pieces(model, layout, n);
    int rc = hugging_face_files_open(files, folder, model, *pieces, *n, err);
    for (size_t i = 0; i < *n && rc == 0; i++)
        rc = check_shape(&(*pieces)[i], &files->found[i], err);
    for (size_t i = 0; i < *n && rc == 0; i++)
        if (!strcmp((*pieces)[i].name, hugging_face_names_embedding(model)))
            rc = check_head(files, i, err);
    if (rc < 0) {
        hugging_face_files_close(files);
        free(*pieces);
    }
    return rc;
}

int hugging_face_check(const char *folder, const Trireme__Model *model, const struct layout *layout,
                       struct err *err)
{
    struct hugging_face_files files;
    struct hugging_face_piece *pieces = NULL;
    size_t n = 0;
    if (open_checked(&files, &pieces, &n, folder, model, layout, err) < 0)
        return -1;
    hugging_face_files_close(&files);
    free(pieces);
    return 0;
}

/* Fails with the place of the first number that is not finite. */
static int check_finite(const struct hugging_face_found *found, const float *numbers,
                        struct err *err)
{
    const struct safetensors_entry *e = found->entry;
    size_t i = 0;
    while (i < e->count && isfinite(numbers[i]))
        i++;
    if (i == e->count)
        return 0;
    size_t place[SAFETENSORS_DIMS_MAX], rest = i;
    for (int d = e->n_dims; d-- > 0; rest /= e->shape[d])
        place[d] = rest % e->shape[d];
    char *at = list_of(place, e->n_dims);
    err_set(err, ERR_DATA, "%s: tensor '%s': found %g at %s, expected finite 32-bit numbers",
            found->path, e->name, (double)numbers[i], at);
    free(at);
    return -1;
}

static void turn(float *out, const float *in, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            out[c * rows + r] = in[r * columns + c];
}

/* Returns the numbers of one piece in our order. The caller frees them. NULL on error. */
static float *piece_read(const struct hugging_face_piece *p, const struct hugging_face_found *found,
                         struct err *err)
{
    float *numbers = mem_floats(found->entry->count);
    safetensors_floats(found->entry, 0, found->entry->count, numbers);
    if (check_finite(found, numbers, err) < 0) {
        free(numbers);
        return NULL;
    }
    if (!p->turned)
        return numbers;
    float *turned = mem_floats(found->entry->count);
    turn(turned, numbers, p->columns, p->rows);
    free(numbers);
    return turned;
}

int hugging_face_read(const char *folder, const Trireme__Model *model, const struct layout *layout,
                      size_t offset, size_t count, float *weights, struct err *err)
{
    struct hugging_face_files files;
    struct hugging_face_piece *pieces = NULL;
    size_t n = 0;
    if (open_checked(&files, &pieces, &n, folder, model, layout, err) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct hugging_face_piece *p = &pieces[i];
        size_t end = p->offset + p->rows * p->columns;
        size_t first = p->offset > offset ? p->offset : offset,
               last = end < offset + count ? end : offset + count;
        if (first >= last)
            continue;
        float *numbers = piece_read(p, &files.found[i], err);
        if (!numbers)
            rc = -1;
        else
            memcpy(weights + (first - offset), numbers + (first - p->offset),
                   (last - first) * sizeof *weights);
        free(numbers);
    }
    free(pieces);
    hugging_face_files_close(&files);
    return rc;
}
