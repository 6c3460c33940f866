#include "tests/unit/worker/tokenizer/tiny_tokenizer.h"

#include "worker/tokenizer/decode_stream.h"
#include "worker/tokenizer/tokenizer.h"

static struct tokenizer *open(const char *folder)
{
    struct err err;
    tiny_write_tokenizer(folder, &(struct tiny_json){0});
    struct tokenizer *tokenizer = tokenizer_open(folder, &err);
    if (!tokenizer)
        fail_msg("%s", err.text);
    return tokenizer;
}

/* What comes out with each byte of the text, "." for nothing. */
static void assert_comes(const struct tokenizer *tokenizer, const char *bytes, const char *steps)
{
    struct decode_stream stream = {0};
    struct text found = {0}, out = {0};
    struct err err;
    for (; *bytes; bytes++) {
        out.size = 0;
        assert_int_equal(decode_stream_add(&stream, &out, tokenizer, (unsigned char)*bytes, &err),
                         0);
        if (out.size)
            text_add_bytes(&found, out.bytes, out.size);
        else
            text_add(&found, ".");
    }
    assert_string_equal(found.bytes, steps);
    decode_stream_clear(&stream);
    text_clear(&found);
    text_clear(&out);
}

static void characters_come_out_whole(void **state)
{
    struct tokenizer *tokenizer = open(*state);
    assert_comes(tokenizer, "aé中\U0001f600z", "a.é..中...\U0001f600z");
    tokenizer_close(tokenizer);
}

static void bytes_of_no_character_are_not_held(void **state)
{
    struct tokenizer *tokenizer = open(*state);
    assert_comes(tokenizer, "\x80\xff\xc1", "\x80\xff\xc1");
    assert_comes(tokenizer, "\xe4x", ".\xe4x"); // the character is never finished
    assert_comes(tokenizer, "\xe4\xe4\xb8\xad", ".\xe4.\xe4\xb8\xad");
    tokenizer_close(tokenizer);
}

static void an_id_that_is_no_token_is_refused_and_what_was_held_stays(void **state)
{
    struct tokenizer *tokenizer = open(*state);
    struct decode_stream stream = {0};
    struct text out = {0};
    struct err err;
    assert_int_equal(decode_stream_add(&stream, &out, tokenizer, 0xC3, &err), 0);
    assert_int_equal(decode_stream_add(&stream, &out, tokenizer, 271, &err), -1);
    assert_contains(err.text, "271");
    assert_int_equal(decode_stream_add(&stream, &out, tokenizer, 0xA9, &err), 0);
    assert_string_equal(out.bytes, "é");
    decode_stream_clear(&stream);
    text_clear(&out);
    tokenizer_close(tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(characters_come_out_whole),
        test_in_folder(bytes_of_no_character_are_not_held),
        test_in_folder(an_id_that_is_no_token_is_refused_and_what_was_held_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
