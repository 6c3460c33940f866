#include "worker/tokenizer/vocabulary.h"

#include "base/mem.h"
#include "proto/schema/utf8.h"
#include "worker/tokenizer/word_hash.h"

#include <stdlib.h>
#include <string.h>

static bool is_token(const struct vocabulary *vocabulary, uint32_t id, const void *bytes,
                     size_t size)
{
    const struct token *token = &vocabulary->tokens[id];
    return token->size == size && memcmp(vocabulary->bytes + token->at, bytes, size) == 0;
}

static void fill(struct vocabulary *vocabulary, uint32_t id)
{
    const struct token *token = &vocabulary->tokens[id];
    size_t mask = vocabulary->n_slots - 1;
    size_t i = word_hash(vocabulary->bytes + token->at, token->size) & mask;
    while (vocabulary->slots[i] != 0)
        i = (i + 1) & mask;
    vocabulary->slots[i] = id + 1;
}

static void make_findable(struct vocabulary *vocabulary, uint32_t id)
{
    if (2 * ++vocabulary->n_filled <= vocabulary->n_slots) {
        fill(vocabulary, id);
        return;
    }
    uint32_t *old = vocabulary->slots;
    size_t n_old = vocabulary->n_slots;
    vocabulary->n_slots = n_old ? 2 * n_old : 1024;
    vocabulary->slots = mem_new(vocabulary->n_slots, sizeof *vocabulary->slots);
    for (size_t i = 0; i < n_old; i++)
        if (old[i] != 0)
            fill(vocabulary, old[i] - 1);
    free(old);
    fill(vocabulary, id);
}

int vocabulary_add(struct vocabulary *vocabulary, uint32_t id, const void *bytes, size_t size,
                   bool is_text, const char *where, struct err *err)
{
    char *name = utf8_from_bytes(bytes, size < 60 ? size : 60);
    if (id > VOCABULARY_ID_MAX)
        err_set(err, ERR_DATA, "%s: token \"%s\": found id %u, expected at most %d", where, name,
                id, VOCABULARY_ID_MAX);
    else if (id < vocabulary->n && vocabulary->tokens[id].is_there)
        err_set(err, ERR_DATA, "%s: token \"%s\": found id %u, which another token has", where,
                name, id);
    else {
        free(name);
        while (id >= vocabulary->n) {
            vocabulary->tokens = mem_grow(vocabulary->tokens, vocabulary->n, &vocabulary->room,
                                          sizeof *vocabulary->tokens);
            vocabulary->tokens[vocabulary->n++] = (struct token){0};
        }
        if (vocabulary->n_bytes + size > vocabulary->bytes_room) {
            vocabulary->bytes_room = 2 * (vocabulary->n_bytes + size);
            vocabulary->bytes = mem_resize(vocabulary->bytes, vocabulary->bytes_room, 1);
        }
        if (size > 0)
            memcpy(vocabulary->bytes + vocabulary->n_bytes, bytes, size);
        vocabulary->tokens[id] = (struct token){vocabulary->n_bytes, (uint32_t)size, true};
        vocabulary->n_bytes += size;
        vocabulary->n_there++;
        if (is_text)
            make_findable(vocabulary, id);
        return 0;
    }
    free(name);
    return -1;
}

bool vocabulary_find(const struct vocabulary *vocabulary, uint32_t *id, const void *bytes,
                     size_t size)
{
    if (vocabulary->n_slots == 0)
        return false;
    size_t mask = vocabulary->n_slots - 1;
    for (size_t i = word_hash(bytes, size) & mask; vocabulary->slots[i] != 0; i = (i + 1) & mask) {
        if (is_token(vocabulary, vocabulary->slots[i] - 1, bytes, size)) {
            *id = vocabulary->slots[i] - 1;
            return true;
        }
    }
    return false;
}

static void put_merge(struct vocabulary *vocabulary, struct merge merge)
{
    size_t mask = vocabulary->n_merge_slots - 1;
    size_t i = (merge.pair * 0x9E3779B97F4A7C15u) >> 32 & mask;
    while (vocabulary->merges[i].pair != UINT64_MAX && vocabulary->merges[i].pair != merge.pair)
        i = (i + 1) & mask;
    vocabulary->merges[i] = merge;
}

static void grow_merges(struct vocabulary *vocabulary)
{
    struct merge *old = vocabulary->merges;
    size_t n_old = vocabulary->n_merge_slots;
    vocabulary->n_merge_slots = n_old ? 2 * n_old : 1024;
    vocabulary->merges = mem_new(vocabulary->n_merge_slots, sizeof *vocabulary->merges);
    memset(vocabulary->merges, 0xff, vocabulary->n_merge_slots * sizeof *vocabulary->merges);
    for (size_t i = 0; i < n_old; i++)
        if (old[i].pair != UINT64_MAX)
            put_merge(vocabulary, old[i]);
    free(old);
}

static int refuse_merge(const struct vocabulary *vocabulary, const char *part, size_t size,
                        const char *where, struct err *err)
{
    char *name = utf8_from_bytes(part, size < 60 ? size : 60);
    err_set(err, ERR_DATA, "%s: merge %zu: found \"%s\", which is no token", where,
            vocabulary->n_merges + 1, name);
    free(name);
    return -1;
}

int vocabulary_add_merge(struct vocabulary *vocabulary, const void *left, size_t left_size,
                         const void *right, size_t right_size, const char *where, struct err *err)
{
    uint32_t left_id, right_id, id;
    if (!vocabulary_find(vocabulary, &left_id, left, left_size))
        return refuse_merge(vocabulary, left, left_size, where, err);
    if (!vocabulary_find(vocabulary, &right_id, right, right_size))
        return refuse_merge(vocabulary, right, right_size, where, err);
    size_t size = left_size + right_size;
    char *both = mem_new(size, 1);
    memcpy(both, left, left_size);
    memcpy(both + left_size, right, right_size);
    int result = 0;
    if (!vocabulary_find(vocabulary, &id, both, size))
        result = refuse_merge(vocabulary, both, size, where, err);
    free(both);
    if (result != 0)
        return -1;
    if (2 * (vocabulary->n_merges + 1) > vocabulary->n_merge_slots)
        grow_merges(vocabulary);
    put_merge(vocabulary, (struct merge){(uint64_t)left_id << 32 | right_id,
                                         (uint32_t)vocabulary->n_merges++, id});
    return 0;
}

int vocabulary_end(struct vocabulary *vocabulary, const char *where, struct err *err)
{
    if (vocabulary->n_merge_slots == 0)
        grow_merges(vocabulary);
    for (unsigned i = 0; i < 256; i++) {
        const unsigned char byte = (unsigned char)i;
        const bool is_text = (byte >= ' ' && byte <= '~') || byte == '\n' || byte == '\t';
        if (vocabulary_find(vocabulary, &vocabulary->byte_ids[i], &byte, 1))
            continue;
        if (is_text)
            return err_set(err, ERR_DATA,
                           "%s: found no token for byte 0x%02x, expected one for each byte of text "
                           "(a byte-level vocabulary)",
                           where, i);
        vocabulary->lacks[i] = vocabulary->lacks_any = true;
    }
    return 0;
}

int vocabulary_lacks(const struct vocabulary *vocabulary, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; vocabulary->lacks_any && i < size; i++)
        if (vocabulary->lacks[byte[i]])
            return byte[i];
    return -1;
}

void vocabulary_clear(struct vocabulary *vocabulary)
{
    free(vocabulary->tokens);
    free(vocabulary->bytes);
    free(vocabulary->slots);
    free(vocabulary->merges);
    *vocabulary = (struct vocabulary){0};
}
