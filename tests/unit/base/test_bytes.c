/* The small ones of base: digests, 16-bit numbers, sentences, growing text, vectors. */
#include "tests/unit/support.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/half.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/text.h"

#include <math.h>

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

static void sha256_has_the_values_of_its_standard(void **state)
{
    (void)state;
    char hex[SHA256_HEX_SIZE];
    sha256_hex(hex, "", 0);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_hex(hex, "abc", 3);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char *million = mem_new(1000000, 1);
    memset(million, 'a', 1000000);
    sha256_hex(hex, million, 1000000);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static void a_key_follows_from_seed_and_name(void **state)
{
    (void)state;
    assert_true(digest_key(1, "a") == digest_key(1, "a"));
    assert_true(digest_key(1, "a") != digest_key(2, "a") &&
                digest_key(1, "a") != digest_key(1, "b"));
}

/* The number that IEEE 754 gives to 1 sign bit, so many bits of exponent, and the rest of a
 * fraction. */
static double meaning(uint16_t bits, int exponent_bits)
{
    int fraction_bits = 15 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1),
        fraction = bits & ((1 << fraction_bits) - 1);
    double x;
    if (exponent == (1 << exponent_bits) - 1)
        x = fraction ? (double)NAN : (double)INFINITY;
    else if (exponent)
        x = ldexp(1 + ldexp(fraction, -fraction_bits), exponent - bias);
    else
        x = ldexp(fraction, 1 - bias - fraction_bits);
    return bits & 0x8000 ? -x : x;
}

static void check_half(uint32_t bits, double found, double expected)
{
    if (isnan(expected) ? !isnan(found)
                        : !(found == expected && !signbit(found) == !signbit(expected)))
        fail_msg("bits %04x: found %.9g, expected %.9g", bits, found, expected);
}

static void all_16_bit_numbers_become_exactly_what_they_mean(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        check_half(bits, (double)half_from_fp16((uint16_t)bits), meaning((uint16_t)bits, 5));
        check_half(bits, (double)half_from_bf16((uint16_t)bits), meaning((uint16_t)bits, 8));
    }
}

static void context_stands_before_the_sentence_and_keeps_the_code(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(err_set(&err, ERR_DATA, "found %d, expected %d", 1, 2), -1);
    assert_int_equal(err_context(&err, "file %s", "x"), -1);
    assert_string_equal(err.text, "file x: found 1, expected 2");
    assert_int_equal(err.code, ERR_DATA);
}

static void sentences_that_are_too_long_are_cut_and_end(void **state)
{
    (void)state;
    struct err err;
    char long_text[2 * sizeof err.text];
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    err_set(&err, ERR_USAGE, "%s", long_text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    err_context(&err, "place");
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_int_equal(strncmp(err.text, "place: aaa", 10), 0);
    err_context(&err, "%s", long_text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void text_grows_and_is_handed_over(void **state)
{
    (void)state;
    struct text text = {0};
    char *empty = text_take(&text);
    assert_string_equal(empty, "");
    free(empty);
    for (int i = 0; i < 1000; i++)
        text_printf(&text, "%d,", i % 10);
    text_add(&text, "end");
    text_add_bytes(&text, "\0x", 2);
    assert_int_equal(text.size, 2005);
    assert_int_equal(text.bytes[text.size], 0);
    char *whole = text_take(&text);
    assert_true(text.bytes == NULL && text.size == 0);
    assert_memory_equal(whole + 1996, "8,9,end\0x", 9);
    free(whole);
}

static void memory_is_zeroed_and_floats_stand_on_64_bytes(void **state)
{
    (void)state;
    for (size_t n = 0; n < 100; n += 33) {
        float *floats = mem_floats(n);
        assert_int_equal((uintptr_t)floats % 64, 0);
        for (size_t i = 0; i < n; i++)
            assert_true(floats[i] == 0);
        free(floats);
    }
    int *vector = NULL;
    size_t room = 0;
    for (size_t n = 0; n < 100; n++) {
        vector = mem_grow(vector, n, &room, sizeof *vector);
        assert_true(n < room);
        vector[n] = (int)n;
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(vector[i], i);
    free(vector);
    assert_null(mem_strdup(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digest_has_the_value_that_xxh3_gives),
        cmocka_unit_test(a_digest_of_pieces_is_that_of_the_whole_however_it_was_cut),
        cmocka_unit_test(sha256_has_the_values_of_its_standard),
        cmocka_unit_test(a_key_follows_from_seed_and_name),
        cmocka_unit_test(all_16_bit_numbers_become_exactly_what_they_mean),
        cmocka_unit_test(context_stands_before_the_sentence_and_keeps_the_code),
        cmocka_unit_test(sentences_that_are_too_long_are_cut_and_end),
        cmocka_unit_test(text_grows_and_is_handed_over),
        cmocka_unit_test(memory_is_zeroed_and_floats_stand_on_64_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
