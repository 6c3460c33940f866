/* Files: whole reads, atomic writes, folders. Every error names the path and the system's reason.
 * The caller chooses the error code: a missing file can be a usage error or damaged data. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

bool file_exists(const char *path);
bool file_is_dir(const char *path);

/* Returns all bytes of a regular file and a NUL after them, which *size does not count. size may be
 * NULL. The caller frees the bytes. NULL on error. */
char *file_read(const char *path, size_t *size, enum err_code code, struct err *err);

/* Writes path whole or not at all: a temporary file beside it, fsync, rename, fsync of the folder.
 */
int file_write_atomic(const char *path, const void *bytes, size_t size, enum err_code code,
                      struct err *err);

/* The same for a file that is its owner's alone (0600), whatever the umask. */
int file_write_private(const char *path, const void *bytes, size_t size, enum err_code code,
                       struct err *err);

/* file_write_atomic for a file that is written in pieces. file_writer_end reports the first add
 * that failed. file_writer_drop leaves no trace of the file. */
struct file_writer;
struct file_writer *file_writer_open(const char *path, enum err_code code, struct err *err);
void file_writer_add(struct file_writer *writer, const void *bytes, size_t size);
int file_writer_end(struct file_writer *writer, struct err *err); /* also frees the writer */
void file_writer_drop(struct file_writer *writer);                /* accepts NULL */

/* Makes the folder and those above it. A folder that exists is no error. */
int file_make_dirs(const char *path, enum err_code code, struct err *err);

/* The same for a folder that is its owner's alone (0700), whatever the umask; one that is there is
 * made so. *open: that could not be done, and others may write to it. */
int file_make_private(bool *open, const char *path, enum err_code code, struct err *err);

/* Makes the names in a folder durable (fsync). */
int file_sync_dir(const char *path, enum err_code code, struct err *err);

/* Removes a file, or a folder with all that is in it, up to 256 folders deep. Links in it are not
 * followed, whoever puts them there meanwhile. A path that does not exist is no error. */
int file_remove_tree(const char *path, enum err_code code, struct err *err);

/* Exchanges the names of two folders in the same parent, atomically where the file system can.
 * Where it cannot, a process that dies in the middle leaves a under the name "a.aside". */
int file_exchange_dirs(const char *a, const char *b, enum err_code code, struct err *err);

/* Returns the names in a folder without "." and "..", sorted by bytes, ended by NULL. Freed by
 * file_names_free. NULL on error. */
char **file_names(const char *path, size_t *n, enum err_code code, struct err *err);
void file_names_free(char **names);

/* Whether the name ends in `end` and is longer than it. */
bool file_name_ends(const char *name, const char *end);

/* Returns "folder/name", which the caller frees. */
char *file_join(const char *folder, const char *name);

/* A file mapped for reading. An empty file has bytes == NULL. */
struct file_map {
    const unsigned char *bytes;
    size_t size;
};
int file_map_open(struct file_map *map, const char *path, enum err_code code, struct err *err);
void file_map_close(struct file_map *map);
