#include "worker/prepare/document_files.h"

#include "base/file.h"
#include "base/mem.h"
#include "worker/prepare/json_lines.h"
#include "worker/data/path.h"
#include "worker/prepare/text_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct walk {
    struct document_files *files;
    struct stat leave_out; /* st_ino 0: there is none */
};

void document_files_leave_out(struct document_files *files, const struct err *why)
{
    if (!files->why)
        files->why = mem_strdup(why->text);
    files->unreadable++;
}

static void add_file(struct document_files *files, const char *path, uint64_t size)
{
    files->list = mem_grow(files->list, files->n, &files->room, sizeof *files->list);
    files->list[files->n++] = (struct document_file){.path = mem_strdup(path), .size = size};
    files->size += size;
}

static void walk_folder(const struct walk *walk, const char *folder);

/* Adds one path, or what is below it. `given`: it was given by name. */
static void walk_path(const struct walk *walk, const char *path, bool given)
{
    struct stat st;
    struct err err;
    if ((given ? stat(path, &st) : lstat(path, &st)) < 0) {
        err_set(&err, ERR_DATA, "%s: cannot look at it: %s", path, strerror(errno));
        document_files_leave_out(walk->files, &err);
        return;
    }
    if (S_ISLNK(st.st_mode) && (stat(path, &st) < 0 || S_ISDIR(st.st_mode)))
        return; // a broken link holds no text; one to a folder could make a cycle
    if (S_ISDIR(st.st_mode)) {
        if (walk->leave_out.st_ino != st.st_ino || walk->leave_out.st_dev != st.st_dev)
            walk_folder(walk, path);
    } else if (S_ISREG(st.st_mode)) {
        add_file(walk->files, path, (uint64_t)st.st_size);
    } else { // opening a pipe would wait for its writer
        err_set(&err, ERR_DATA, "%s: expected a regular file or a folder", path);
        document_files_leave_out(walk->files, &err);
    }
}

static void walk_folder(const struct walk *walk, const char *folder)
{
    struct err err;
    size_t n = 0;
    char **names = file_names(folder, &n, ERR_DATA, &err);
    if (!names) {
        document_files_leave_out(walk->files, &err);
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

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct document_file *)a)->path, ((const struct document_file *)b)->path);
}

static int check_field(const struct document_files *files, struct err *err)
{
    bool any = !files->field;
    for (size_t i = 0; i < files->n && !any; i++)
        any = json_lines_named(files->list[i].path);
    return any ? 0
               : err_set(err, ERR_USAGE,
                         "--field %s: found no file of JSON lines, expected at least one whose "
                         "name ends with .jsonl or .json (or so with .gz or .zst)",
                         files->field);
}

static int walk_inputs(struct document_files *files, char *const *inputs, size_t n_inputs,
                       const char *leave_out, struct err *err)
{
    struct walk walk = {.files = files};
    if (stat(leave_out, &walk.leave_out) < 0)
        walk.leave_out.st_ino = 0;
    for (size_t i = 0; i < n_inputs; i++) {
        if (!file_exists(inputs[i]))
            return err_set(err, ERR_USAGE, "%s: cannot find it: %s", inputs[i], strerror(errno));
        char *path = path_trim(inputs[i]);
        walk_path(&walk, path, true);
        free(path);
    }
    if (files->n)
        qsort(files->list, files->n, sizeof *files->list, compare_files);
    return 0;
}

int document_files_find(struct document_files *files, char *const *inputs, size_t n_inputs,
                        const char *field, const char *leave_out, struct err *err)
{
    *files = (struct document_files){.field = field};
    if (walk_inputs(files, inputs, n_inputs, leave_out, err) == 0 && check_field(files, err) == 0)
        return 0;
    document_files_clear(files);
    return -1;
}

void document_files_clear(struct document_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->list[i].path);
    free(files->list);
    free(files->why);
    *files = (struct document_files){0};
}

int document_files_read(const struct document_files *files, size_t file, unsigned char *piece,
                        size_t room, document_take_fn take, void *context, struct err *err)
{
    const char *path = files->list[file].path;
    const bool by_lines = files->field && json_lines_named(path);
    struct json_lines lines = {.path = path, .field = files->field};
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
