#include "tests/unit/proto/schema/schema_fixture.h"

#include "proto/schema/walk.h"

static void types_and_values_have_their_comments(void **state)
{
    (void)state;
    assert_string_equal(message_comment(&trireme__model__descriptor), "The transformer.");
    assert_string_equal(message_comment(&trireme__wait__descriptor),
                        "How long ranks wait for each other.");
    const ProtobufCEnumDescriptor *order = &trireme__data__order__descriptor;
    assert_string_equal(enum_value_comment(order, protobuf_c_enum_descriptor_get_value_by_name(
                                                      order, "sequential")),
                        "One window after the other.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_and_values_have_their_comments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
