#include "worker/tokenizer/added_tokens.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void added_tokens_add(struct added_tokens *added, const void *name, size_t size, uint32_t id,
                      bool is_special)
{
    added->tokens = mem_grow(added->tokens, added->n, &added->room, sizeof *added->tokens);
    struct added_token *token = &added->tokens[added->n++];
    *token = (struct added_token){mem_new(size, 1), size, id, is_special};
    memcpy(token->name, name, size);
}

static int compare(const void *a_void, const void *b_void)
{
    const struct added_token *a = a_void, *b = b_void;
    if (*a->name != *b->name)
        return (unsigned char)*a->name < (unsigned char)*b->name ? -1 : 1;
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

void added_tokens_end(struct added_tokens *added)
{
    if (added->n > 0)
        qsort(added->tokens, added->n, sizeof *added->tokens, compare);
    for (size_t i = 0; i < added->n; i++) {
        const struct added_token *token = &added->tokens[i];
        unsigned char first = (unsigned char)*token->name;
        added->first[first + 1] = (uint32_t)(i + 1);
        if (token->size == 1)
            memset(added->pairs + 256 * first, 1, 256);
        else
            added->pairs[256 * first + (unsigned char)token->name[1]] = 1;
    }
    for (unsigned b = 0; b < 256; b++)
        if (added->first[b + 1] < added->first[b])
            added->first[b + 1] = added->first[b];
}

void added_tokens_clear(struct added_tokens *added)
{
    for (size_t i = 0; i < added->n; i++)
        free(added->tokens[i].name);
    free(added->tokens);
    added->tokens = NULL;
    added->n = added->room = 0;
}

static const struct added_token *find_at(const struct added_tokens *added,
                                         const unsigned char *text, size_t size, size_t at)
{
    unsigned char first = text[at];
    if (at + 1 < size && !added->pairs[256 * first + text[at + 1]])
        return NULL;
    for (uint32_t i = added->first[first]; i < added->first[first + 1]; i++) {
        const struct added_token *token = &added->tokens[i];
        if (token->size <= size - at && memcmp(text + at, token->name, token->size) == 0)
            return token;
    }
    return NULL;
}

const struct added_token *added_tokens_find(const struct added_tokens *added, size_t *at,
                                            const unsigned char *text, size_t size, size_t from,
                                            bool with_specials)
{
    if (added->n == 0)
        return NULL;
    for (size_t i = from; i < size; i++) {
        if (added->first[text[i]] == added->first[text[i] + 1])
            continue;
        const struct added_token *token = find_at(added, text, size, i);
        if (token && (with_specials || !token->is_special)) {
            *at = i;
            return token;
        }
        if (token)
            i += token->size - 1;
    }
    return NULL;
}

bool added_tokens_join(const struct added_tokens *added, unsigned char a, unsigned char b)
{
    for (size_t i = 0; i < added->n; i++) {
        const unsigned char *name = (const unsigned char *)added->tokens[i].name;
        for (size_t k = 0; k + 1 < added->tokens[i].size; k++)
            if (name[k] == a && name[k + 1] == b)
                return true;
    }
    return false;
}
