/* The documents of a text: the given files, and all files in the given folders and the folders
 * below.
 *
 * They are sorted by path as bytes; the order in which they were given or lie on disk has no
 * effect. In folders, names that begin with '.' and links to folders are skipped (so there are no
 * endless walks); links to files are followed. A path that is given by name is taken whatever its
 * name is. Archives are read as what they hold (text_file.h). A file is a document; if a field is
 * named, each line of the files of JSON lines is one (json_lines.h). Of documents with the same
 * bytes (digest and size) only the first is kept. Files are read a piece at a time: memory grows
 * with the number of documents and of blocks (8 bytes for 16,384 tokens) and with the longest line
 * of JSON, not with the text. A byte is a token; with an encoding (encoding.h) its tokenizer says
 * what is one, the tokens go to its spool, and one more stands behind each document. */
#pragma once
#include "base/digest.h"
#include "base/err.h"
#include "worker/data/token_spool.h"

#include <stddef.h>
#include <stdint.h>

struct encoding;
struct watch;

struct document_file {
    char *path;
    uint64_t size;            /* bytes on disk, as the walk saw them */
    struct spool_list tokens; /* with an encoding: of its documents, one after the other */
};

struct document {
    size_t file;          /* that it stands in */
    uint64_t number;      /* in that file, rising: the line of JSON */
    uint64_t bytes;       /* at least one */
    uint64_t tokens;      /* without what stands behind it; at least one */
    uint64_t first;       /* of its tokens among the file's */
    struct digest digest; /* of its bytes */
    uint64_t *blocks;     /* (documents_blocks) split_hash of each one's tokens */
};

struct documents {
    struct document_file *files; /* sorted by path */
    size_t n_files, files_room;
    const char *field;         /* of JSON lines; borrowed; NULL: every file is a document */
    struct encoding *encoding; /* borrowed; NULL: a byte is a token */
    struct document *list;     /* sorted by file and number */
    size_t n, room;
    uint64_t size;       /* bytes on disk of the files */
    uint64_t bytes;      /* of all that were kept */
    uint64_t tokens;     /* of all that were kept, with what stands behind them */
    uint64_t duplicates; /* left out: another has the same bytes */
    uint64_t empty;      /* left out: no bytes */
    uint64_t unreadable; /* files left out: the system refuses, or it is no regular file */
    char *why;           /* sentence about the first unreadable one, or NULL */
};

/* `field`: of JSON lines, or NULL; borrowed until the end, as the encoding is, which may be NULL.
 * `leave_out`: a folder that is not walked (it may not exist). jobs: threads that read, at least
 * one. watch may be NULL. An input that does not exist, and a field without a file of JSON lines, is
 * ERR_USAGE; a damaged archive or line is ERR_DATA, the first one in the files' order. On error
 * there is nothing to clear. */
int documents_find(struct documents *documents, char *const *inputs, size_t n_inputs,
                   const char *field, const char *leave_out, struct encoding *encoding, size_t jobs,
                   struct watch *watch, struct err *err);
void documents_clear(struct documents *documents);

/* Tokens of a document with what stands behind it. */
uint64_t documents_tokens(const struct documents *documents, const struct document *document);

/* Blocks of SPLIT_BLOCK tokens in a document, the last one larger by what is left over; the hash of
 * the only one is the document's, that of the last of several is of its first SPLIT_BLOCK tokens:
 * of the bytes where a byte is a token, else of the ids as numbers of 32 bits. */
size_t documents_blocks(const struct document *document);

/* Hands all bytes of a file to `take`, document after document, a piece of at most `room` bytes
 * (the size of `piece`; a document of JSON comes in one) at a time; n 0: a document without text.
 * Ends at its first error. 0, TEXT_FILE_DAMAGED (also take's error), TEXT_FILE_UNREADABLE. */
typedef int (*documents_take_fn)(void *context, uint64_t number, const unsigned char *bytes,
                                 size_t n, struct err *err);
int documents_read(const struct documents *documents, size_t file, unsigned char *piece,
                   size_t room, documents_take_fn take, void *context, struct err *err);
