/* The documents of a text: the given files, and all files in the given folders and the folders
 * below.
 *
 * They are sorted by path as bytes; the order in which they were given or lie on disk has no
 * effect. In folders, names that begin with '.' and links to folders are skipped (so there are no
 * endless walks); links to files are followed. A path that is given by name is taken whatever its
 * name is. Of documents with the same bytes (digest and size) only the first is kept. Files are
 * read a piece at a time: memory grows with the number of documents, not with their bytes. */
#pragma once
#include "base/digest.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct document {
    char *path;
    uint64_t bytes; /* at least one */
    struct digest digest;
};

struct documents {
    struct document *list;
    size_t n, room;
    uint64_t bytes;      /* of all that were kept */
    uint64_t duplicates; /* left out: another has the same bytes */
    uint64_t empty;      /* left out: no bytes */
    uint64_t unreadable; /* left out: it cannot be read, or is no regular file */
    char *why;           /* sentence about the first unreadable one, or NULL */
};

/* `leave_out`: a folder that is skipped (it may not exist). Fails with ERR_USAGE if an input does
 * not exist. On error there is nothing to clear. */
int documents_find(struct documents *documents, char *const *inputs, size_t n_inputs,
                   const char *leave_out, struct err *err);
void documents_clear(struct documents *documents);

/* Calls `take` with all bytes of a file, a piece of at most `room` bytes (the size of `piece`) at a
 * time. Stops at its first error. */
typedef int (*documents_take_fn)(void *context, const unsigned char *bytes, size_t n,
                                 struct err *err);
int documents_read(const char *path, unsigned char *piece, size_t room, documents_take_fn take,
                   void *context, struct err *err);
