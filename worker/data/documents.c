#include "worker/data/documents.h"

#include "base/file.h"
#include "base/mem.h"
#include "worker/data/document_sum.h"
#include "worker/data/encoding.h"
#include "worker/data/jobs.h"
#include "worker/data/json_lines.h"
#include "worker/data/path.h"
#include "worker/data/split.h"
#include "worker/data/text_file.h"
#include "worker/data/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct walk {
    struct documents *documents;
    struct stat leave_out; /* st_ino 0: there is none */
};

static void leave_out_unreadable(struct documents *documents, const struct err *err)
{
    if (!documents->why)
        documents->why = mem_strdup(err->text);
    documents->unreadable++;
}

static void add_file(struct documents *documents, const char *path, uint64_t size)
{
    documents->files = mem_grow(documents->files, documents->n_files, &documents->files_room,
                                sizeof *documents->files);
    documents->files[documents->n_files++] =
        (struct document_file){.path = mem_strdup(path), .size = size};
    documents->size += size;
}

static void walk_folder(const struct walk *walk, const char *folder);

/* Adds one path, or what is below it. `given`: it was given by name. */
static void walk_path(const struct walk *walk, const char *path, bool given)
{
    struct stat st;
    struct err err;
    if ((given ? stat(path, &st) : lstat(path, &st)) < 0) {
        err_set(&err, ERR_DATA, "%s: cannot look at it: %s", path, strerror(errno));
        leave_out_unreadable(walk->documents, &err);
        return;
    }
    if (S_ISLNK(st.st_mode) && (stat(path, &st) < 0 || S_ISDIR(st.st_mode)))
        return; // a broken link holds no text; one to a folder could make a cycle
    if (S_ISDIR(st.st_mode)) {
        if (walk->leave_out.st_ino != st.st_ino || walk->leave_out.st_dev != st.st_dev)
            walk_folder(walk, path);
    } else if (S_ISREG(st.st_mode)) {
        add_file(walk->documents, path, (uint64_t)st.st_size);
    } else { // opening a pipe would wait for its writer
        err_set(&err, ERR_DATA, "%s: expected a regular file or a folder", path);
        leave_out_unreadable(walk->documents, &err);
    }
}

static void walk_folder(const struct walk *walk, const char *folder)
{
    struct err err;
    size_t n = 0;
    char **names = file_names(folder, &n, ERR_DATA, &err);
    if (!names) {
        leave_out_unreadable(walk->documents, &err);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (names[i][0] == '.')
            continue;
        char *path = file_join(folder, names[i]);
        walk_path(walk, path, false);
        free(path);
    }
    file_names_free(names);
}

int documents_read(const struct documents *documents, size_t file, unsigned char *piece,
                   size_t room, documents_take_fn take, void *context, struct err *err)
{
    const char *path = documents->files[file].path;
    const bool by_lines = documents->field && json_lines_named(path);
    struct json_lines lines = {.path = path, .field = documents->field};
    struct text_file *text;
    int rc = text_file_open(&text, path, err);
    if (rc < 0)
        return rc;
    for (size_t n = 1; n != 0 && rc == 0;) {
        rc = text_file_read(text, piece, room, &n, err);
        if (rc == 0 && by_lines)
            rc = json_lines_add(&lines, piece, n, take, context, err);
        else if (rc == 0 && n > 0)
            rc = take(context, 0, piece, n, err);
    }
    json_lines_clear(&lines);
    text_file_close(text);
    return rc;
}

size_t documents_blocks(const struct document *document)
{
    return document->tokens < SPLIT_BLOCK ? 1 : document->tokens / SPLIT_BLOCK;
}

uint64_t documents_tokens(const struct documents *documents, const struct document *document)
{
    return document->tokens + (documents->encoding && documents->encoding->ends);
}

/* Adds what was read of one file to all. */
static void add_sum(struct documents *documents, size_t file, struct document_sum *sum)
{
    documents->empty += sum->empty;
    if (sum->unreadable)
        leave_out_unreadable(documents, &sum->why);
    for (size_t i = 0; i < sum->n; i++) {
        documents->list =
            mem_grow(documents->list, documents->n, &documents->room, sizeof *documents->list);
        documents->list[documents->n++] = sum->list[i];
    }
    sum->n = 0; // the blocks have moved
    documents->files[file].tokens = sum->tokens;
    sum->tokens = (struct spool_list){0};
}

struct sums {
    const struct documents *documents;
    struct watch *watch;
    struct document_sum *of; /* (n_files) */
};

static int sum_file(void *context, size_t job, size_t file, struct err *err)
{
    const struct sums *sums = context;
    return document_sum_read(&sums->of[file], sums->documents, file, job, sums->watch, err);
}

static int sum_files(struct documents *documents, size_t jobs, struct watch *watch, struct err *err)
{
    struct sums sums = {
        .documents = documents, .watch = watch, .of = mem_new(documents->n_files, sizeof *sums.of)};
    watch_begin(watch, "read", documents->size);
    int rc = jobs_run(documents->n_files, jobs, sum_file, &sums, err);
    for (size_t i = 0; i < documents->n_files; i++) {
        if (rc == 0)
            add_sum(documents, i, &sums.of[i]);
        document_sum_clear(&sums.of[i]);
    }
    free(sums.of);
    return rc;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct document_file *)a)->path, ((const struct document_file *)b)->path);
}

static int compare_places(const void *a, const void *b)
{
    const struct document *x = a, *y = b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* By content, and by place among equals, so that the first is the one that is kept. */
static int compare_contents(const void *a, const void *b)
{
    const struct document *x = a, *y = b;
    if (x->digest.high != y->digest.high)
        return x->digest.high < y->digest.high ? -1 : 1;
    if (x->digest.low != y->digest.low)
        return x->digest.low < y->digest.low ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return compare_places(a, b);
}

static bool same_contents(const struct document *x, const struct document *y)
{
    return x->digest.high == y->digest.high && x->digest.low == y->digest.low &&
           x->bytes == y->bytes;
}

static void drop_duplicates(struct documents *documents)
{
    struct document *list = documents->list;
    size_t kept = 0;
    qsort(list, documents->n, sizeof *list, compare_contents);
    for (size_t i = 0; i < documents->n; i++) {
        if (kept > 0 && same_contents(&list[kept - 1], &list[i])) {
            free(list[i].blocks);
            documents->duplicates++;
        } else {
            documents->bytes += list[i].bytes;
            documents->tokens += documents_tokens(documents, &list[i]);
            list[kept++] = list[i];
        }
    }
    documents->n = kept;
    qsort(list, kept, sizeof *list, compare_places);
}

static int check_field(const struct documents *documents, struct err *err)
{
    bool any = !documents->field;
    for (size_t i = 0; i < documents->n_files && !any; i++)
        any = json_lines_named(documents->files[i].path);
    return any ? 0
               : err_set(err, ERR_USAGE,
                         "--field %s: found no file of JSON lines, expected at least one whose "
                         "name ends with .jsonl or .json (or so with .gz or .zst)",
                         documents->field);
}

/* Finds the files, without reading them. */
static int find_files(struct documents *documents, char *const *inputs, size_t n_inputs,
                      const char *leave_out, struct err *err)
{
    struct walk walk = {.documents = documents};
    if (stat(leave_out, &walk.leave_out) < 0)
        walk.leave_out.st_ino = 0;
    for (size_t i = 0; i < n_inputs; i++) {
        if (!file_exists(inputs[i]))
            return err_set(err, ERR_USAGE, "%s: cannot find it: %s", inputs[i], strerror(errno));
        char *path = path_trim(inputs[i]);
        walk_path(&walk, path, true);
        free(path);
    }
    if (documents->n_files)
        qsort(documents->files, documents->n_files, sizeof *documents->files, compare_files);
    return 0;
}

int documents_find(struct documents *documents, char *const *inputs, size_t n_inputs,
                   const char *field, const char *leave_out, struct encoding *encoding, size_t jobs,
                   struct watch *watch, struct err *err)
{
    *documents = (struct documents){.field = field, .encoding = encoding};
    if (find_files(documents, inputs, n_inputs, leave_out, err) < 0 ||
        check_field(documents, err) < 0 || sum_files(documents, jobs, watch, err) < 0) {
        documents_clear(documents);
        return -1;
    }
    if (documents->n)
        drop_duplicates(documents);
    return 0;
}

void documents_clear(struct documents *documents)
{
    for (size_t i = 0; i < documents->n_files; i++) {
        free(documents->files[i].path);
        spool_list_clear(&documents->files[i].tokens);
    }
    for (size_t i = 0; i < documents->n; i++)
        free(documents->list[i].blocks);
    free(documents->files);
    free(documents->list);
    free(documents->why);
    *documents = (struct documents){0};
}
