#include "tests/unit/support.h"

#include "base/mem.h"
#include "base/sha256.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_has_the_values_of_its_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
