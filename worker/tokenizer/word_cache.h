/* Words that were seen before, with their ids. Of bounded size: when it is full it is emptied. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORD_CACHE_LONGEST = 64 }; /* bytes; longer words are hardly seen again */

struct word_cache;

struct word_cache *word_cache_new(void);
void word_cache_free(struct word_cache *cache); /* accepts NULL */

/* The ids of a word, valid until the next word is put; NULL where it is not known. hash:
 * word_hash(). 1 <= size <= WORD_CACHE_LONGEST. */
const uint32_t *word_cache_find(const struct word_cache *cache, size_t *n, uint64_t hash,
                                const void *word, size_t size);

/* Puts a word that is not known. */
void word_cache_put(struct word_cache *cache, uint64_t hash, const void *word, size_t size,
                    const uint32_t *ids, size_t n);
