#include "tests/unit/support.h"

#include "base/digest.h"

static void a_digest_has_the_value_that_xxh3_gives(void **state)
{
    (void)state;
    char hex[DIGEST_HEX_SIZE];
    digest_hex(hex, digest_of("", 0));
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
}

static void a_digest_of_pieces_is_that_of_the_whole_however_it_was_cut(void **state)
{
    (void)state;
    unsigned char bytes[3000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37 + i / 251);
    struct digest whole = digest_of(bytes, sizeof bytes);
    for (size_t piece = 1; piece <= sizeof bytes; piece = piece * 3 + 1) {
        struct digest_stream *stream = digest_stream_new();
        for (size_t at = 0; at < sizeof bytes; at += piece)
            digest_stream_add(stream, bytes + at,
                              sizeof bytes - at < piece ? sizeof bytes - at : piece);
        digest_stream_add(stream, bytes, 0);
        struct digest found = digest_stream_end(stream);
        assert_true(found.high == whole.high && found.low == whole.low);
    }
    bytes[1234] ^= 1;
    struct digest other = digest_of(bytes, sizeof bytes);
    assert_true(other.high != whole.high || other.low != whole.low);
}

static void a_key_follows_from_seed_and_name(void **state)
{
    (void)state;
    assert_true(digest_key(1, "a") == digest_key(1, "a"));
    assert_true(digest_key(1, "a") != digest_key(2, "a") &&
                digest_key(1, "a") != digest_key(1, "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_has_the_value_that_xxh3_gives),
        cmocka_unit_test(a_digest_of_pieces_is_that_of_the_whole_however_it_was_cut),
        cmocka_unit_test(a_key_follows_from_seed_and_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
