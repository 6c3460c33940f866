#include "tests/unit/proto/config/change_fixture.h"

#include "proto/config/changes.h"
#include "proto/schema/message.h"

static void patches_are_equal_in_any_order_and_spelling(void **state)
{
    (void)state;
    Trireme__Change *a[] = {change_fixture("optimizer.lr", "0.001"),
                            change_fixture("schedule.kind", "linear")};
    Trireme__Change *b[] = {change_fixture("schedule.kind", "linear"),
                            change_fixture("optimizer.lr", "1e-3")};
    assert_true(changes_equal(a, 2, b, 2));
    assert_false(changes_equal(a, 2, b, 1));
    assert_false(changes_equal(a, 1, b, 2));
    assert_false(changes_equal(a, 1, b, 1));
    char *text = changes_text(b, 2);
    assert_string_equal(text, "schedule.kind=linear optimizer.lr=1e-3");
    free(text);
    for (int i = 0; i < 2; i++) {
        message_free(a[i]);
        message_free(b[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patches_are_equal_in_any_order_and_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
