#include "worker/data/documents.h"

#include "base/file.h"
#include "base/mem.h"
#include "worker/data/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void add_document(struct documents *documents, const char *path)
{
    documents->list =
        mem_grow(documents->list, documents->n, &documents->room, sizeof *documents->list);
    documents->list[documents->n++] = (struct document){.path = mem_strdup(path)};
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
        add_document(walk->documents, path);
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

int documents_read(const char *path, unsigned char *piece, size_t room, documents_take_fn take,
                   void *context, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_set(err, ERR_DATA, "%s: cannot open: %s", path, strerror(errno));
    int rc = 0;
    for (ssize_t n = 1; n != 0 && rc == 0;) {
        n = read(fd, piece, room);
        if (n < 0 && errno != EINTR)
            rc = err_set(err, ERR_DATA, "%s: cannot read: %s", path, strerror(errno));
        else if (n > 0)
            rc = take(context, piece, (size_t)n, err);
    }
    close(fd);
    return rc;
}

struct sum {
    struct digest_stream *stream;
    uint64_t bytes;
};

static int add_to_sum(void *context, const unsigned char *bytes, size_t n, struct err *err)
{
    (void)err;
    struct sum *sum = context;
    digest_stream_add(sum->stream, bytes, n);
    sum->bytes += n;
    return 0;
}

/* Computes sizes and digests. Leaves out files that are empty or cannot be read. */
static void digest_documents(struct documents *documents)
{
    unsigned char *piece = mem_new(PIECE, 1);
    size_t kept = 0;
    for (size_t i = 0; i < documents->n; i++) {
        struct document document = documents->list[i];
        struct err err;
        struct sum sum = {.stream = digest_stream_new()};
        int rc = documents_read(document.path, piece, PIECE, add_to_sum, &sum, &err);
        document.digest = digest_stream_end(sum.stream);
        document.bytes = sum.bytes;
        if (rc == 0 && sum.bytes > 0) {
            documents->list[kept++] = document;
            continue;
        }
        if (rc < 0)
            leave_out_unreadable(documents, &err);
        else
            documents->empty++;
        free(document.path);
    }
    documents->n = kept;
    free(piece);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct document *)a)->path, ((const struct document *)b)->path);
}

/* Order by content, then by path, so that the first path of equal documents is kept. */
static int compare_contents(const void *a, const void *b)
{
    const struct document *x = a, *y = b;
    if (x->digest.high != y->digest.high)
        return x->digest.high < y->digest.high ? -1 : 1;
    if (x->digest.low != y->digest.low)
        return x->digest.low < y->digest.low ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->path, y->path);
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
            free(list[i].path);
            documents->duplicates++;
        } else {
            documents->bytes += list[i].bytes;
            list[kept++] = list[i];
        }
    }
    documents->n = kept;
    qsort(list, kept, sizeof *list, compare_paths);
}

int documents_find(struct documents *documents, char *const *inputs, size_t n_inputs,
                   const char *leave_out, struct err *err)
{
    *documents = (struct documents){0};
    struct walk walk = {.documents = documents};
    if (stat(leave_out, &walk.leave_out) < 0)
        walk.leave_out.st_ino = 0;
    for (size_t i = 0; i < n_inputs; i++) {
        if (!file_exists(inputs[i])) {
            documents_clear(documents);
            return err_set(err, ERR_USAGE, "%s: cannot find it: %s", inputs[i], strerror(errno));
        }
        char *path = path_trim(inputs[i]);
        walk_path(&walk, path, true);
        free(path);
    }
    digest_documents(documents);
    if (documents->n)
        drop_duplicates(documents);
    return 0;
}

void documents_clear(struct documents *documents)
{
    for (size_t i = 0; i < documents->n; i++)
        free(documents->list[i].path);
    free(documents->list);
    free(documents->why);
    *documents = (struct documents){0};
}
