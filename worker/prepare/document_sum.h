/* The first reading of one file of documents: sizes and digests, and with an encoding the tokens,
 * which go to its spool. */
#pragma once
#include "base/digest.h"
#include "base/err.h"
#include "worker/prepare/token_spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct document_files;
struct encoding;
struct watch;

struct document {
    size_t file;          /* that it stands in */
    uint64_t number;      /* in that file, rising: the line of JSON */
    uint64_t bytes;       /* at least one */
    uint64_t tokens;      /* without what stands behind it; at least one */
    uint64_t first;       /* of its tokens among the file's in the spool */
    struct digest digest; /* of its bytes */
    uint64_t *blocks;     /* split_hash of each block's tokens; of the only one: of the document */
};

struct document_sum {
    struct document *list; /* those with text, in their order */
    size_t n, room;
    struct spool_list tokens; /* theirs */
    uint64_t empty;           /* documents without text, or the file itself */
    bool unreadable;          /* the system refuses the file, with this sentence: */
    struct err why;
};

/* Reads a file in the thread of number `job`; sum must be zeroed, encoding and watch may be NULL.
 * Fails for what is damaged, or cannot be encoded or put into the spool. */
int document_sum_read(struct document_sum *sum, const struct document_files *files, size_t file,
                      struct encoding *encoding, size_t job, struct watch *watch, struct err *err);
void document_sum_clear(struct document_sum *sum);
