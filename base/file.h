/* Files: whole reads, atomic writes, folders. Every error names the path and the system's reason.
 * The code of an error is the caller's choice: a missing file is a usage error here and damaged
 * data there. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

bool file_exists(const char *path);
bool file_is_dir(const char *path);

/* All bytes of a regular file, with a NUL after them that *size does not count; the caller frees
 * them. NULL on error. */
char *file_read(const char *path, size_t *size, enum err_code code, struct err *err);

/* Writes path whole or not at all: a temporary file beside it, fsync, rename, fsync of the folder.
 */
int file_write_atomic(const char *path, const void *bytes, size_t size, enum err_code code,
                      struct err *err);

/* The same for a file that comes in pieces. A failed add is remembered, and told by end; a writer
 * that is not ended (file_writer_drop) leaves no trace. */
struct file_writer;
struct file_writer *file_writer_open(const char *path, enum err_code code, struct err *err);
void file_writer_add(struct file_writer *writer, const void *bytes, size_t size);
int file_writer_end(struct file_writer *writer, struct err *err); /* also frees the writer */
void file_writer_drop(struct file_writer *writer);                /* accepts NULL */

/* Makes the folder and those above it; one that exists is no error. */
int file_make_dirs(const char *path, enum err_code code, struct err *err);

/* Makes the names in a folder durable. */
int file_sync_dir(const char *path, enum err_code code, struct err *err);

/* Removes a folder with the files in it and the folders below; what is not there is no error. */
int file_remove_tree(const char *path, enum err_code code, struct err *err);

/* Has two folders beside each other change their names, at once where the file system can. Where it
 * cannot, a process that dies in the middle leaves b, and a as "a.aside". */
int file_exchange_dirs(const char *a, const char *b, enum err_code code, struct err *err);

/* Names in a folder without "." and "..", sorted by bytes, ended by NULL; freed by file_names_free.
 */
char **file_names(const char *path, size_t *n, enum err_code code, struct err *err);
void file_names_free(char **names);

/* Whether something stands before `end` in the name, and nothing behind it. */
bool file_name_ends(const char *name, const char *end);

/* "folder/name" in fresh memory. */
char *file_join(const char *folder, const char *name);

/* A file mapped for reading. size 0 gives bytes == NULL. */
struct file_map {
    const unsigned char *bytes;
    size_t size;
};
int file_map_open(struct file_map *map, const char *path, enum err_code code, struct err *err);
void file_map_close(struct file_map *map);
