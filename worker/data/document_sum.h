/* The first reading of one file of documents: sizes and digests, and with an encoding the tokens,
 * which go to its spool. */
#pragma once
#include "base/err.h"
#include "worker/data/token_spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct document;
struct documents;
struct watch;

struct document_sum {
    struct document *list; /* those with text, in their order */
    size_t n, room;
    struct spool_list tokens; /* theirs */
    uint64_t empty;           /* documents without text, or the file itself */
    bool unreadable;          /* the system refuses the file, with this sentence: */
    struct err why;
};

/* Reads a file in the thread of number `job`; sum must be zeroed. Fails for what is damaged, or
 * cannot be encoded or put into the spool. */
int document_sum_read(struct document_sum *sum, const struct documents *documents, size_t file,
                      size_t job, struct watch *watch, struct err *err);
void document_sum_clear(struct document_sum *sum);
