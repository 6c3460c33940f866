/* Tokens between the reading of a text and their places, which are known only when all of it has
 * been read: a file without a name on the disk of the folder that is being made. It is gone with
 * the process. Several threads may put and get. */
#pragma once
#include "base/err.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct token_spool {
    int fd;
    char *shown;             /* the folder in sentences */
    atomic_uint_least64_t n; /* tokens so far */
};

/* A list of tokens in the spool: put in several times, and read as one. */
struct spool_list {
    struct spool_extent {
        uint64_t first, n; /* tokens first .. first+n of the spool */
    } * extents;
    size_t n, room;
    uint64_t tokens;
};

/* folder: that is being made; the nearest one above it that exists is written in. ERR_USAGE where
 * the system refuses. */
int token_spool_open(struct token_spool *spool, const char *folder, struct err *err);
void token_spool_close(struct token_spool *spool); /* accepts a zeroed one */

/* Appends tokens to a list. */
int token_spool_put(struct token_spool *spool, struct spool_list *list, const uint32_t *ids,
                    size_t n, struct err *err);
void spool_list_clear(struct spool_list *list);

/* Gets tokens first .. first+n of a list, which must have them. */
int token_spool_get(const struct token_spool *spool, const struct spool_list *list, uint32_t *ids,
                    uint64_t first, size_t n, struct err *err);
