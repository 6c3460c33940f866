/* A text that is read from its beginning to its end: a file as it is, or what a gzip (RFC 1952) or
 * zstd (RFC 8878) archive holds; several members or frames are one text.
 *
 * An archive is known by its first bytes (1f 8b; 28 b5 2f fd), which no text begins with; a file
 * whose name ends with .gz or .zst must be one. */
#pragma once
#include "base/err.h"

#include <stddef.h>

struct text_file;

/* What reading may come to, beside 0: with a sentence (ERR_DATA) in both cases. */
enum {
    TEXT_FILE_DAMAGED = -1,   /* an archive that is cut short, or is none inside */
    TEXT_FILE_UNREADABLE = -2 /* the system refuses */
};

/* 0 or TEXT_FILE_UNREADABLE; on error there is nothing to close. */
int text_file_open(struct text_file **file, const char *path, struct err *err);
void text_file_close(struct text_file *file); /* accepts NULL */

/* Fills `bytes` with up to `room` (at least one) bytes of text; *n 0: the text has ended, whole. */
int text_file_read(struct text_file *file, unsigned char *bytes, size_t room, size_t *n,
                   struct err *err);

/* Length of a name without a suffix .gz or .zst. */
size_t text_file_stem(const char *name);
