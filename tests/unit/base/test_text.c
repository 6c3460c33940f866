#include "tests/unit/support.h"

#include "base/text.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows_and_is_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
