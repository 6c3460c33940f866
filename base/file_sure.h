/* Reads that tell a file with wrong bytes from a machine that cannot read it.
 *
 * ERR_DATA says that the bytes are wrong: there is no such file, or it is no regular one.
 * ERR_MACHINE says that the system did not give them (an I/O error, a stale handle, no permission,
 * no memory, no descriptor): what the file holds is not known, so nothing may be concluded from it.
 * Bytes are read into memory, never mapped: an error while they are read is a sentence, not SIGBUS.
 */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether something is at the path. ERR_MACHINE where the system does not tell. */
int file_sure_there(bool *there, const char *path, struct err *err);

/* False: enough, the rest is not read. */
typedef bool (*file_sure_fn)(void *context, const void *bytes, size_t size);

/* Calls take with the bytes of a regular file, from the first to the last, in parts of a megabyte
 * at most. */
int file_sure_each(const char *path, file_sure_fn take, void *context, struct err *err);

/* Returns all bytes and a NUL after them, which *size does not count. size may be NULL. The caller
 * frees the bytes. */
char *file_sure_read(const char *path, size_t *size, struct err *err);

/* Opens a regular file for file_sure_at; the caller closes the descriptor. Its size is *size. */
int file_sure_open(int *fd, uint64_t *size, const char *path, struct err *err);

/* Reads exactly so many bytes at an offset; ERR_DATA if the file ends before. The path is for the
 * sentence. */
int file_sure_at(int fd, const char *path, void *bytes, uint64_t offset, size_t size,
                 struct err *err);
