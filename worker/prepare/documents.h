/* The documents of a text (document_files.h says what one is), and the tokens in them.
 *
 * Of documents with the same bytes (digest and size) only the first is kept. Files are read a piece
 * at a time: memory grows with the number of documents and of blocks (8 bytes for 16,384 tokens),
 * and with the longest line of JSON, not with the text. A byte is a token; with an encoding
 * (encoding.h) its tokenizer says what is one, the tokens go to its spool, and one more may stand
 * behind each document. */
#pragma once
#include "base/err.h"
#include "worker/prepare/document_files.h"
#include "worker/prepare/document_sum.h"

#include <stddef.h>
#include <stdint.h>

struct encoding;
struct watch;

struct documents {
    struct document_files files;
    struct spool_list *tokens_of; /* (files.n) with an encoding: tokens of each file's documents */
    struct encoding *encoding;    /* borrowed; NULL: a byte is a token */
    struct document *list;        /* sorted by file and number */
    size_t n, room;
    uint64_t bytes;      /* of all that were kept */
    uint64_t tokens;     /* of all that were kept, with what stands behind them */
    uint64_t duplicates; /* left out: another has the same bytes */
    uint64_t empty;      /* left out: no bytes */
};

/* inputs, field, leave_out: as for document_files_find. encoding: borrowed until the end; may be
 * NULL. jobs: threads that read, at least one. watch may be NULL. Fails as document_files_find
 * does, and with ERR_DATA for a damaged archive or line, the first one in the files' order. On
 * error there is nothing to clear. */
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
