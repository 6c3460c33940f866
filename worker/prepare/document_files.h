/* The files that documents stand in: the given ones, and all files in the given folders and the
 * folders below.
 *
 * They are sorted by path as bytes; the order in which they were given or lie on disk has no
 * effect. In folders, names that begin with '.' and links to folders are skipped (so there are no
 * endless walks); links to files are followed. A path that is given by name is taken whatever its
 * name is. A file is a document; if a field is named, each line of the files of JSON lines is one
 * (json_lines.h). Archives are read as what they hold (text_file.h). */
#pragma once
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct document_file {
    char *path;
    uint64_t size; /* bytes on disk, as the walk saw them */
};

struct document_files {
    struct document_file *list; /* sorted by path */
    size_t n, room;
    const char *field;   /* of JSON lines; borrowed; NULL: every file is a document */
    uint64_t size;       /* bytes on disk of all */
    uint64_t unreadable; /* left out: the system refuses, or it is no regular file */
    char *why;           /* sentence about the first unreadable one, or NULL */
};

/* Finds the files without reading them. field: borrowed until the end. leave_out: a folder that is
 * not walked (it may not exist). ERR_USAGE for an input that does not exist, and for a field
 * without a file of JSON lines. On error there is nothing to clear. */
int document_files_find(struct document_files *files, char *const *inputs, size_t n_inputs,
                        const char *field, const char *leave_out, struct err *err);
void document_files_clear(struct document_files *files);

/* Counts one more that is left out. */
void document_files_leave_out(struct document_files *files, const struct err *why);

/* Hands all bytes of a file to `take`, document after document, a piece of at most `room` bytes
 * (the size of `piece`; a document of JSON comes in one) at a time; number: that of the document in
 * the file, rising; n 0: a document without text. Ends at its first error. 0, TEXT_FILE_DAMAGED
 * (also take's error), TEXT_FILE_UNREADABLE. */
typedef int (*document_take_fn)(void *context, uint64_t number, const unsigned char *bytes,
                                size_t n, struct err *err);
int document_files_read(const struct document_files *files, size_t file, unsigned char *piece,
                        size_t room, document_take_fn take, void *context, struct err *err);
