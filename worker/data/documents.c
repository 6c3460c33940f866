#include "worker/data/documents.h"

#include "base/file.h"
#include "base/mem.h"
#include "worker/data/json_lines.h"
#include "worker/data/path.h"
#include "worker/data/split.h"
#include "worker/data/text_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PIECE = 1 << 20 };

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
    return document->bytes < SPLIT_BLOCK ? 1 : document->bytes / SPLIT_BLOCK;
}

/* The first reading: sizes and digests. */
struct sum {
    struct documents *documents;
    const struct documents_watch *watch; /* or NULL */
    uint64_t seen, in_file;              /* bytes of the files before, and of this one */
    bool open;                           /* a document is being read: */
    struct document document;
    struct digest_stream *whole, *block;
    size_t in_block, n_blocks, room; /* bytes of the block so far; full blocks so far */
};

static void sum_begin(struct sum *sum, size_t file, uint64_t number)
{
    sum->open = true;
    sum->document = (struct document){.file = file, .number = number};
    sum->whole = digest_stream_new();
    sum->block = digest_stream_new();
    sum->in_block = sum->n_blocks = sum->room = 0;
}

/* Ends the document that is open, if there is one, and keeps it if `keep`. */
static void sum_end(struct sum *sum, bool keep)
{
    if (!sum->open)
        return;
    sum->open = false;
    struct document *document = &sum->document;
    document->digest = digest_stream_end(sum->whole);
    digest_stream_end(sum->block);
    if (!keep) {
        free(document->blocks);
        return;
    }
    if (sum->n_blocks < 2) {
        document->blocks = mem_resize(document->blocks, 1, sizeof *document->blocks);
        document->blocks[0] = split_hash(document->digest);
    }
    struct documents *documents = sum->documents;
    documents->list =
        mem_grow(documents->list, documents->n, &documents->room, sizeof *documents->list);
    documents->list[documents->n++] = *document;
}

static void sum_add(struct sum *sum, const unsigned char *bytes, size_t n)
{
    struct document *document = &sum->document;
    digest_stream_add(sum->whole, bytes, n);
    document->bytes += n;
    while (n) {
        const size_t left = SPLIT_BLOCK - sum->in_block, now = n < left ? n : left;
        digest_stream_add(sum->block, bytes, now);
        sum->in_block += now;
        bytes += now;
        n -= now;
        if (sum->in_block < SPLIT_BLOCK)
            continue;
        document->blocks =
            mem_grow(document->blocks, sum->n_blocks, &sum->room, sizeof *document->blocks);
        document->blocks[sum->n_blocks++] = split_hash(digest_stream_end(sum->block));
        sum->block = digest_stream_new();
        sum->in_block = 0;
    }
}

struct file_sum {
    struct sum *sum;
    size_t file;
    bool any; /* document, be it without text */
};

/* An archive holds more than its own bytes: what is read counts up to these. */
static void watch_file(struct sum *sum, size_t file, size_t n)
{
    const uint64_t size = sum->documents->files[file].size;
    sum->in_file += n;
    if (sum->watch)
        sum->watch->said(sum->watch->context, "read",
                         sum->seen + (sum->in_file < size ? sum->in_file : size),
                         sum->documents->size);
}

static int take_piece(void *context, uint64_t number, const unsigned char *bytes, size_t n,
                      struct err *err)
{
    (void)err;
    struct file_sum *in = context;
    struct sum *sum = in->sum;
    in->any = true;
    if (sum->open && sum->document.number != number)
        sum_end(sum, true);
    if (n == 0) {
        sum->documents->empty++;
        return 0;
    }
    if (!sum->open)
        sum_begin(sum, in->file, number);
    sum_add(sum, bytes, n);
    watch_file(sum, in->file, n);
    return 0;
}

/* Takes back the documents of a file that turned out unreadable. */
static void take_back(struct documents *documents, size_t n)
{
    while (documents->n > n)
        free(documents->list[--documents->n].blocks);
}

/* Leaves out what is empty or cannot be read. */
static int digest_files(struct documents *documents, const struct documents_watch *watch,
                        struct err *err)
{
    unsigned char *piece = mem_new(PIECE, 1);
    struct sum sum = {.documents = documents, .watch = watch};
    int rc = 0;
    for (size_t i = 0; i < documents->n_files && rc != TEXT_FILE_DAMAGED; i++) {
        struct file_sum in = {.sum = &sum, .file = i};
        const size_t before = documents->n;
        sum.in_file = 0;
        rc = documents_read(documents, i, piece, PIECE, take_piece, &in, err);
        sum_end(&sum, rc == 0);
        sum.seen += documents->files[i].size;
        if (rc == TEXT_FILE_UNREADABLE) {
            take_back(documents, before);
            leave_out_unreadable(documents, err);
        } else if (!in.any) {
            documents->empty++;
        }
    }
    free(piece);
    return rc == TEXT_FILE_DAMAGED ? -1 : 0;
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
                   const char *field, const char *leave_out, const struct documents_watch *watch,
                   struct err *err)
{
    *documents = (struct documents){.field = field};
    if (find_files(documents, inputs, n_inputs, leave_out, err) < 0 ||
        check_field(documents, err) < 0 || digest_files(documents, watch, err) < 0) {
        documents_clear(documents);
        return -1;
    }
    if (documents->n)
        drop_duplicates(documents);
    return 0;
}

void documents_clear(struct documents *documents)
{
    for (size_t i = 0; i < documents->n_files; i++)
        free(documents->files[i].path);
    for (size_t i = 0; i < documents->n; i++)
        free(documents->list[i].blocks);
    free(documents->files);
    free(documents->list);
    free(documents->why);
    *documents = (struct documents){0};
}
