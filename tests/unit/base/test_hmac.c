#include "tests/unit/support.h"

#include "base/hmac.h"

static void check_mac(const void *key, size_t key_size, const void *bytes, size_t size,
                      const char *expected)
{
    unsigned char mac[HMAC_SIZE];
    char hex[2 * HMAC_SIZE + 1];
    hmac_sha256(mac, key, key_size, bytes, size);
    hmac_hex(hex, mac, sizeof mac);
    assert_string_equal(hex, expected);
}

/* Cases 1 to 4, 6 and 7; of case 5 only the first half is given there. */
static void hmac_sha256_has_the_values_of_rfc_4231(void **state)
{
    (void)state;
    unsigned char key[131], bytes[50], counted[25];
    memset(key, 0x0b, 20);
    check_mac(key, 20, "Hi There", 8,
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    check_mac("Jefe", 4, "what do ya want for nothing?", 28,
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    memset(bytes, 0xdd, sizeof bytes);
    check_mac(key, 20, bytes, sizeof bytes,
              "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    for (size_t i = 0; i < sizeof counted; i++)
        counted[i] = (unsigned char)(i + 1);
    memset(bytes, 0xcd, sizeof bytes);
    check_mac(counted, sizeof counted, bytes, sizeof bytes,
              "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    static const char large_key[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    check_mac(key, sizeof key, large_key, sizeof large_key - 1,
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    static const char both[] =
        "This is a test using a larger than block-size key and a larger than block-size data. The "
        "key needs to be hashed before being used by the HMAC algorithm.";
    check_mac(key, sizeof key, both, sizeof both - 1,
              "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

/* Of RFC 7914, section 11, whose values are longer: these are their first 32 bytes. */
static void pbkdf2_has_the_values_of_rfc_7914(void **state)
{
    (void)state;
    unsigned char key[HMAC_SIZE];
    char hex[2 * HMAC_SIZE + 1];
    hmac_pbkdf2(key, "passwd", "salt", 4, 1);
    hmac_hex(hex, key, sizeof key);
    assert_string_equal(hex, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    hmac_pbkdf2(key, "Password", "NaCl", 4, 80000);
    hmac_hex(hex, key, sizeof key);
    assert_string_equal(hex, "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

static void bytes_are_the_same_only_if_all_are(void **state)
{
    (void)state;
    unsigned char a[HMAC_SIZE] = {0}, b[HMAC_SIZE] = {0};
    assert_true(hmac_same(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++)
        for (unsigned bit = 1; bit < 256; bit <<= 1) {
            b[i] = (unsigned char)bit;
            assert_false(hmac_same(a, b, sizeof a));
            b[i] = 0;
        }
    assert_true(hmac_same(a, b, 0));
}

static void only_so_many_digits_in_lower_case_are_bytes(void **state)
{
    (void)state;
    unsigned char bytes[2] = {1, 2};
    static const char *const others[] = {"",     "0a0",  "0a0b0", "0a0g",
                                         "0A0B", "0x0a", " a0b",  "0a0b\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(hmac_from_hex(bytes, 2, others[i]));
    assert_int_equal(bytes[0] << 8 | bytes[1], 0x0102);
    assert_true(hmac_from_hex(bytes, 2, "f09a"));
    assert_int_equal(bytes[0] << 8 | bytes[1], 0xf09a);
    char hex[5];
    hmac_hex(hex, bytes, 2);
    assert_string_equal(hex, "f09a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hmac_sha256_has_the_values_of_rfc_4231),
        cmocka_unit_test(pbkdf2_has_the_values_of_rfc_7914),
        cmocka_unit_test(bytes_are_the_same_only_if_all_are),
        cmocka_unit_test(only_so_many_digits_in_lower_case_are_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
