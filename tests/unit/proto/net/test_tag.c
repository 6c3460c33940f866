#include "tests/unit/support.h"

#include "proto/net/tag.h"

static void every_tag_has_a_name_and_the_control_ones_a_type(void **state)
{
    (void)state;
    for (int tag = TAG_START; tag <= TAG_WEIGHTS; tag++) {
        assert_string_not_equal(tag_name(tag), "unknown");
        assert_true((tag_type(tag) == NULL) == (tag == TAG_PUSH || tag == TAG_WEIGHTS));
    }
    assert_null(tag_type(0));
    assert_null(tag_type(-5));
    assert_null(tag_type(TAG_WEIGHTS + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tag_has_a_name_and_the_control_ones_a_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
