#include "worker/tokenizer/encoder.h"

#include "base/mem.h"
#include "base/text.h"
#include "worker/tokenizer/merge_word.h"
#include "worker/tokenizer/nfc.h"
#include "worker/tokenizer/tokenizer_internal.h"
#include "worker/tokenizer/word_cache.h"
#include "worker/tokenizer/word_hash.h"

#include <stdlib.h>
#include <string.h>

struct encoder {
    const struct tokenizer *tokenizer;
    struct pieces_cursor cursor;
    struct word_cache *cache;
    struct merge_space space;
    struct text normal; /* the normal form of a part */
    struct text spaced; /* a part with a space put before it */
};

struct encoder *encoder_new(const struct tokenizer *tokenizer)
{
    struct encoder *encoder = mem_new(1, sizeof *encoder);
    encoder->tokenizer = tokenizer;
    encoder->cache = word_cache_new();
    pieces_cursor_init(&encoder->cursor, &tokenizer->pieces);
    return encoder;
}

void encoder_free(struct encoder *encoder)
{
    if (!encoder)
        return;
    pieces_cursor_clear(&encoder->cursor);
    word_cache_free(encoder->cache);
    merge_space_clear(&encoder->space);
    text_clear(&encoder->normal);
    text_clear(&encoder->spaced);
    free(encoder);
}

static void make_room(struct token_ids *out, size_t n)
{
    if (out->n + n <= out->room)
        return;
    out->room = 2 * (out->n + n);
    out->ids = mem_resize(out->ids, out->room, sizeof *out->ids);
}

static size_t make_ids(struct encoder *encoder, uint32_t *ids, const unsigned char *word,
                       size_t size)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    if (tokenizer->ignore_merges && vocabulary_find(&tokenizer->vocabulary, ids, word, size))
        return 1;
    return merge_word(&encoder->space, ids, &tokenizer->vocabulary, word, size);
}

static void encode_word(struct encoder *encoder, struct token_ids *out, const unsigned char *word,
                        size_t size)
{
    make_room(out, size);
    uint32_t *ids = out->ids + out->n;
    if (size > WORD_CACHE_LONGEST) {
        out->n += make_ids(encoder, ids, word, size);
        return;
    }
    uint64_t hash = word_hash(word, size);
    size_t n;
    const uint32_t *known = word_cache_find(encoder->cache, &n, hash, word, size);
    if (known) {
        for (size_t i = 0; i < n; i++)
            ids[i] = known[i];
    } else {
        n = make_ids(encoder, ids, word, size);
        word_cache_put(encoder->cache, hash, word, size, ids, n);
    }
    out->n += n;
}

/* A part between two added tokens, in normal form. */
static int encode_part(struct encoder *encoder, struct token_ids *out, const char *part,
                       size_t size, struct err *err)
{
    if (size == 0)
        return 0;
    const int lacking = vocabulary_lacks(&encoder->tokenizer->vocabulary, part, size);
    if (lacking >= 0) // `tokenizers` leaves it out without a word
        return err_set(err, ERR_DATA,
                       "found byte 0x%02x in the text, expected only bytes that the tokenizer has "
                       "a token for",
                       (unsigned)lacking);
    if (encoder->tokenizer->add_space && *part != ' ') {
        encoder->spaced.size = 0;
        text_add(&encoder->spaced, " ");
        text_add_bytes(&encoder->spaced, part, size);
        part = encoder->spaced.bytes;
        size = encoder->spaced.size;
    }
    const unsigned char *word;
    size_t word_size;
    int found;
    pieces_begin(&encoder->cursor, part, size);
    while ((found = pieces_next(&encoder->cursor, &word, &word_size, err)) == 1) {
        if (word_size > INT32_MAX)
            return err_set(err, ERR_DATA,
                           "found a word of %zu bytes, expected at most %d: where the "
                           "tokenizer sees no edge, a text is one word",
                           word_size, INT32_MAX);
        encode_word(encoder, out, word, word_size);
    }
    return found;
}

typedef int (*encode_fn)(struct encoder *encoder, struct token_ids *out, const char *part,
                         size_t size, bool with_specials, struct err *err);

/* Puts the ids of added tokens where their names stand, and hands on the parts between them. */
static int encode_between(struct encoder *encoder, struct token_ids *out,
                          const struct added_tokens *added, encode_fn encode, const char *text,
                          size_t size, bool with_specials, struct err *err)
{
    size_t from = 0, at = 0;
    const struct added_token *token;
    while ((token = added_tokens_find(added, &at, (const unsigned char *)text, size, from,
                                      with_specials)) != NULL) {
        if (encode(encoder, out, text + from, at - from, with_specials, err) != 0)
            return -1;
        make_room(out, 1);
        out->ids[out->n++] = token->id;
        from = at + token->size;
    }
    return encode(encoder, out, text + from, size - from, with_specials, err);
}

static int encode_normal(struct encoder *encoder, struct token_ids *out, const char *part,
                         size_t size, bool with_specials, struct err *err)
{
    (void)with_specials;
    return encode_part(encoder, out, part, size, err);
}

static int encode_raw(struct encoder *encoder, struct token_ids *out, const char *part, size_t size,
                      bool with_specials, struct err *err)
{
    if (encoder->tokenizer->nfc)
        part = nfc_apply(encoder->tokenizer->nfc, &encoder->normal, part, size, &size);
    return encode_between(encoder, out, &encoder->tokenizer->normal, encode_normal, part, size,
                          with_specials, err);
}

int encoder_encode(struct encoder *encoder, struct token_ids *out, const void *bytes, size_t size,
                   bool with_specials, struct err *err)
{
    size_t before = out->n;
    if (encode_between(encoder, out, &encoder->tokenizer->raw, encode_raw, bytes, size,
                       with_specials, err) == 0)
        return 0;
    out->n = before;
    return -1;
}
