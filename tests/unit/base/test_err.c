#include "tests/unit/support.h"

#include "base/err.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_stands_before_the_sentence_and_keeps_the_code),
        cmocka_unit_test(sentences_that_are_too_long_are_cut_and_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
