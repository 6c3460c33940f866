#include "worker/tokenizer/word_cache.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1 << 12, MOST_WORDS = 1 << 19, INLINE = 3 };

struct slot {
    uint64_t hash;
    uint32_t word_at;     /* in bytes */
    uint8_t size, n;      /* size 0: an empty slot */
    uint32_t ids[INLINE]; /* of n <= INLINE; else ids[0] is where they are in cache->ids */
};

struct word_cache {
    struct slot *slots; /* (n_slots), a power of 2 */
    size_t n_slots, n_words;
    char *bytes; /* (n_bytes) */
    size_t n_bytes, bytes_room;
    uint32_t *ids; /* (n_ids) */
    size_t n_ids, ids_room;
};

struct word_cache *word_cache_new(void)
{
    struct word_cache *cache = mem_new(1, sizeof *cache);
    cache->n_slots = FIRST_SLOTS;
    cache->slots = mem_new(cache->n_slots, sizeof *cache->slots);
    return cache;
}

void word_cache_free(struct word_cache *cache)
{
    if (!cache)
        return;
    free(cache->slots);
    free(cache->bytes);
    free(cache->ids);
    free(cache);
}

const uint32_t *word_cache_find(const struct word_cache *cache, size_t *n, uint64_t hash,
                                const void *word, size_t size)
{
    size_t mask = cache->n_slots - 1;
    for (size_t i = hash & mask; cache->slots[i].size != 0; i = (i + 1) & mask) {
        const struct slot *slot = &cache->slots[i];
        if (slot->hash == hash && slot->size == size &&
            memcmp(cache->bytes + slot->word_at, word, size) == 0) {
            *n = slot->n;
            return slot->n <= INLINE ? slot->ids : cache->ids + slot->ids[0];
        }
    }
    return NULL;
}

static void fill(struct word_cache *cache, struct slot slot)
{
    size_t mask = cache->n_slots - 1;
    size_t i = slot.hash & mask;
    while (cache->slots[i].size != 0)
        i = (i + 1) & mask;
    cache->slots[i] = slot;
}

static void make_room(struct word_cache *cache)
{
    if (cache->n_words >= MOST_WORDS) {
        memset(cache->slots, 0, cache->n_slots * sizeof *cache->slots);
        cache->n_words = cache->n_bytes = cache->n_ids = 0;
    }
    if (2 * cache->n_words < cache->n_slots)
        return;
    struct slot *old = cache->slots;
    size_t n_old = cache->n_slots;
    cache->n_slots *= 2;
    cache->slots = mem_new(cache->n_slots, sizeof *cache->slots);
    for (size_t i = 0; i < n_old; i++)
        if (old[i].size != 0)
            fill(cache, old[i]);
    free(old);
}

void word_cache_put(struct word_cache *cache, uint64_t hash, const void *word, size_t size,
                    const uint32_t *ids, size_t n)
{
    make_room(cache);
    struct slot slot = {
        .hash = hash, .word_at = (uint32_t)cache->n_bytes, .size = (uint8_t)size, .n = (uint8_t)n};
    if (cache->n_bytes + size > cache->bytes_room) {
        cache->bytes_room = 2 * (cache->n_bytes + size);
        cache->bytes = mem_resize(cache->bytes, cache->bytes_room, 1);
    }
    memcpy(cache->bytes + cache->n_bytes, word, size);
    cache->n_bytes += size;
    if (n <= INLINE)
        memcpy(slot.ids, ids, n * sizeof *ids);
    else {
        if (cache->n_ids + n > cache->ids_room) {
            cache->ids_room = 2 * (cache->n_ids + n);
            cache->ids = mem_resize(cache->ids, cache->ids_room, sizeof *cache->ids);
        }
        memcpy(cache->ids + cache->n_ids, ids, n * sizeof *ids);
        slot.ids[0] = (uint32_t)cache->n_ids;
        cache->n_ids += n;
    }
    fill(cache, slot);
    cache->n_words++;
}
