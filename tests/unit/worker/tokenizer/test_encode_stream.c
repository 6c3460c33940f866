#include "tests/unit/worker/tokenizer/tiny_tokenizer.h"

#include "base/mem.h"
#include "base/random.h"
#include "worker/tokenizer/encode_stream.h"
#include "worker/tokenizer/encoder.h"
#include "worker/tokenizer/tokenizer.h"

enum { TEXT = 3 * ENCODE_STREAM_PART + 12345 };

struct taken {
    struct token_ids ids;
    size_t times;
};

static int take(void *context, const uint32_t *ids, size_t n, struct err *err)
{
    (void)err;
    struct taken *taken = context;
    taken->ids.ids = mem_resize(taken->ids.ids, taken->ids.n + n, sizeof *ids);
    memcpy(taken->ids.ids + taken->ids.n, ids, n * sizeof *ids);
    taken->ids.n += n;
    taken->times++;
    return 0;
}

static struct tokenizer *open(const char *folder, const struct tiny_json *json)
{
    struct err err;
    tiny_write_tokenizer(folder, json);
    struct tokenizer *tokenizer = tokenizer_open(folder, &err);
    if (!tokenizer)
        fail_msg("%s", err.text);
    return tokenizer;
}

/* Text with places to cut now and then, in between what must not be cut. */
static char *draw_text(uint64_t key, bool spaces)
{
    static const char *const bits[] = {"the",      "aaaa",  "\u00e9", " ",      "  ",     "\n\n",
                                       "e\u0301",  "1234",  "'s",     "<tool>", "\xff",   " the",
                                       "\u3000",   "a b",   "<a b>",  "!  \n",  "\u4e2d", " 12",
                                       "\r\n   x", ". The", "<a",     "x ",     "aaab",   "b>"};
    char *text = mem_new(TEXT + 16, 1);
    size_t size = 0;
    for (uint64_t i = 0; size < TEXT; i++) {
        const char *bit = bits[random_u64(key, i) % (sizeof bits / sizeof *bits)];
        if (!spaces && strchr(bit, ' '))
            continue;
        memcpy(text + size, bit, strlen(bit));
        size += strlen(bit);
    }
    return text;
}

/* Adds the text in pieces of many sizes; what comes out must be the ids of the whole. */
static size_t check(const struct tokenizer *tokenizer, const char *text, uint64_t key)
{
    struct err err;
    struct encoder *encoder = encoder_new(tokenizer);
    struct encode_stream *stream = encode_stream_new(tokenizer);
    struct token_ids whole = {0};
    struct taken taken = {0};
    assert_int_equal(encoder_encode(encoder, &whole, text, TEXT, false, &err), 0);
    encode_stream_add(stream, "dropped", 7, take, &taken, &err);
    encode_stream_drop(stream);
    for (size_t at = 0, i = 0; at < TEXT; i++) {
        size_t n = 1 + random_u64(key, i) % 200000;
        n = n < TEXT - at ? n : TEXT - at;
        assert_int_equal(encode_stream_add(stream, text + at, n, take, &taken, &err), 0);
        at += n;
    }
    assert_int_equal(encode_stream_end(stream, take, &taken, &err), 0);
    assert_int_equal(taken.ids.n, whole.n);
    for (size_t i = 0; i < whole.n; i++)
        if (taken.ids.ids[i] != whole.ids[i])
            fail_msg("id %zu: found %u, expected %u", i, taken.ids.ids[i], whole.ids[i]);
    free(taken.ids.ids);
    free(whole.ids);
    encode_stream_free(stream);
    encoder_free(encoder);
    return taken.times;
}

static void parts_give_the_ids_of_the_whole_text(void **state)
{
    const struct tiny_json jsons[] = {
        {.pre_tokenizer = TINY_BYTE_LEVEL("false", "true")},
        {.pre_tokenizer = TINY_BYTE_LEVEL("true", "true")},
        // a name that reaches over a space: no edge between its letters
        {.added = "[" TINY_ADDED("268", "<a b>", "false", "false") ", " TINY_ADDED(
             "269", "e x", "true", "false") ", " TINY_ADDED("270", "! ", "false", "true") "]"},
    };
    for (size_t i = 0; i < sizeof jsons / sizeof *jsons; i++) {
        struct tokenizer *tokenizer = open(*state, &jsons[i]);
        char *text = draw_text(i, true);
        assert_true(check(tokenizer, text, 7 + i) >= 3);
        free(text);
        tokenizer_close(tokenizer);
    }
}

static void a_text_without_a_place_to_cut_is_encoded_at_its_end(void **state)
{
    struct tokenizer *tokenizer = open(*state, &(struct tiny_json){0});
    char *text = draw_text(5, false);
    assert_int_equal(check(tokenizer, text, 5), 1);
    free(text);
    tokenizer_close(tokenizer);
    // a pattern of which nothing is known: " a" may be inside of a piece
    const struct tiny_json other = {.pre_tokenizer = TINY_SPLIT("[a-z ]+")};
    tokenizer = open(*state, &other);
    text = draw_text(6, true);
    assert_int_equal(check(tokenizer, text, 6), 1);
    free(text);
    tokenizer_close(tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(parts_give_the_ids_of_the_whole_text),
        test_in_folder(a_text_without_a_place_to_cut_is_encoded_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
