/* The documents of a text: the files that are given, and those of the folders that are given, all
 * the way down.
 *
 * Sorted by path as bytes, whatever order they were given or lie on disk in. In folders, names that
 * begin with '.' and links to folders are passed over (so no walk goes in circles), links to files
 * are followed; what is given by name is taken whatever it is called. Only the first of documents
 * with the same bytes (digest and size) is kept. Files are read a piece at a time: memory grows
 * with the number of documents, not with their bytes. */
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
    uint64_t unreadable; /* left out: the system refuses, or it is no regular file */
    char *why;           /* sentence about the first unreadable one, or NULL */
};

/* `leave_out`: a folder that is not walked (it may not exist). An input that does not exist is
 * ERR_USAGE. On error there is nothing to clear. */
int documents_find(struct documents *documents, char *const *inputs, size_t n_inputs,
                   const char *leave_out, struct err *err);
void documents_clear(struct documents *documents);

/* Hands all bytes of a file to `take`, a piece of at most `room` bytes (the size of `piece`) at a
 * time; ends at its first error. */
typedef int (*documents_take_fn)(void *context, const unsigned char *bytes, size_t n,
                                 struct err *err);
int documents_read(const char *path, unsigned char *piece, size_t room, documents_take_fn take,
                   void *context, struct err *err);
