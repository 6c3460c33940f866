/* Tokens by id and by bytes, and the merges: which two neighbours become which token, and the rank
 * of that. Filled by the readers of files, then constant. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VOCABULARY_ID_MAX = (1 << 24) - 1 }; /* a larger id is a mistake in a file */
#define MERGE_NONE UINT32_MAX               /* as a rank: these two are not merged */

struct merge {
    uint64_t pair; /* left << 32 | right; all ones: an empty slot */
    uint32_t rank; /* from 0; lower ones come first */
    uint32_t id;   /* what they become */
};

struct vocabulary {
    struct token {
        size_t at;
        uint32_t size;
        bool is_there;
    } * tokens; /* (n): bytes at..at+size of bytes */
    size_t n, room;
    char *bytes; /* (n_bytes) */
    size_t n_bytes, bytes_room;
    size_t n_there;
    uint32_t *slots; /* (n_slots): id + 1 by a hash of the bytes, 0 is empty; n_slots: power of 2 */
    size_t n_slots, n_filled;
    struct merge *merges; /* (n_merge_slots), by a hash of the pair */
    size_t n_merge_slots, n_merges;
    uint32_t byte_ids[256]; /* by vocabulary_end */
    bool lacks[256];        /* bytes that have no token: no text may have them */
    bool lacks_any;
};

/* Adds a token; is_text: it can come out of merges, and is found by vocabulary_find. ERR_DATA, with
 * where and name in the sentence, for an id that is taken or too large. */
int vocabulary_add(struct vocabulary *vocabulary, uint32_t id, const void *bytes, size_t size,
                   bool is_text, const char *where, struct err *err);
bool vocabulary_find(const struct vocabulary *vocabulary, uint32_t *id, const void *bytes,
                     size_t size);

/* Adds a merge; its rank is the number of those before it. A pair that comes again has the later
 * rank. ERR_DATA where one of the two, or what they become, is no token. */
int vocabulary_add_merge(struct vocabulary *vocabulary, const void *left, size_t left_size,
                         const void *right, size_t right_size, const char *where, struct err *err);

/* To be called when all is added: ERR_DATA unless each byte of ASCII text is a token. Some makers
 * leave out others, as control characters that their text did not have. */
int vocabulary_end(struct vocabulary *vocabulary, const char *where, struct err *err);
void vocabulary_clear(struct vocabulary *vocabulary);

/* The first of the bytes that has no token, as a number; -1: there is none. */
int vocabulary_lacks(const struct vocabulary *vocabulary, const void *bytes, size_t size);

/* The rank of a pair, and what it becomes. */
static inline uint32_t vocabulary_merge(const struct vocabulary *vocabulary, uint32_t *id,
                                        uint32_t left, uint32_t right)
{
    uint64_t pair = (uint64_t)left << 32 | right;
    size_t mask = vocabulary->n_merge_slots - 1;
    for (size_t i = (pair * 0x9E3779B97F4A7C15u) >> 32 & mask;; i = (i + 1) & mask) {
        const struct merge *merge = &vocabulary->merges[i];
        if (merge->pair == pair) {
            *id = merge->id;
            return merge->rank;
        }
        if (merge->pair == UINT64_MAX)
            return MERGE_NONE;
    }
}
