/* A hash of short byte strings, for tables in memory only: it is in no file. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t word_hash_load(const unsigned char *bytes, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, bytes, size);
    return word;
}

static inline uint64_t word_hash_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
}

static inline uint64_t word_hash(const void *word, size_t size)
{
    const unsigned char *bytes = word;
    uint64_t hash = word_hash_mix(0x2545F4914F6CDD1Du, size);
    if (size >= 8) {
        for (size_t i = 0; i + 8 < size; i += 8)
            hash = word_hash_mix(hash, word_hash_load(bytes + i, 8));
        return word_hash_mix(hash, word_hash_load(bytes + size - 8, 8));
    }
    // constant sizes, since a memcpy of an unknown one is a call
    if (size >= 4)
        return word_hash_mix(hash,
                             word_hash_load(bytes, 4) << 32 | word_hash_load(bytes + size - 4, 4));
    if (size == 0)
        return hash;
    return word_hash_mix(hash, (uint64_t)bytes[0] << 16 | (uint64_t)bytes[size / 2] << 8 |
                                   bytes[size - 1]);
}
