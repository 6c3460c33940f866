#include "tests/unit/proto/schema/schema_fixture.h"

#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include "command.pb-c.h"
#include "control.pb-c.h"

static void a_new_message_has_defaults_all_the_way_down(void **state)
{
    (void)state;
    Trireme__Config *run = message_new(&trireme__config__descriptor);
    assert_int_equal(run->model->layers, 6);
    assert_true(run->optimizer->lr == 1e-3);
    assert_string_equal(run->init->from, "");
    assert_int_equal(run->data->n_sources, 0);
    message_free(run);
    Trireme__Start *start = message_new(&trireme__start__descriptor);
    assert_string_equal(start->manifest->config->init->from, "");
    assert_null(start->run);
    message_free(start);
}

static void default_texts_are_owned_copies(void **state)
{
    (void)state;
    Trireme__Config *run = message_new(&trireme__config__descriptor);
    free(run->init->from);
    run->init->from = mem_strdup("elsewhere");
    message_free(run);
}

static void a_copy_is_equal_and_apart(void **state)
{
    (void)state;
    Trireme__Manifest *a = fixture_manifest(), *b = message_copy(a);
    assert_true(message_equal(a, b));
    b->config->data->sources[1]->weight = 4;
    assert_false(message_equal(a, b));
    message_free(a);
    assert_string_equal(b->config->data->sources[1]->path, "1e5");
    message_free(b);
}

static void what_is_packed_unpacks_equal(void **state)
{
    (void)state;
    void *messages[] = {fixture_config(), fixture_manifest(), fixture_data_set(),
                        message_new(&trireme__ready__descriptor)};
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        size_t size;
        struct err err;
        unsigned char *bytes = message_pack(messages[i], &size);
        void *back =
            message_unpack(((ProtobufCMessage *)messages[i])->descriptor, bytes, size, &err);
        assert_non_null(back);
        assert_true(message_equal(messages[i], back));
        message_free(back);
        message_free(messages[i]);
        free(bytes);
    }
}

static void a_value_without_its_has_flag_travels_too(void **state)
{
    (void)state;
    Trireme__Lease *lease = message_new(&trireme__lease__descriptor);
    lease->first_leaf = 5;
    size_t size;
    struct err err;
    unsigned char *bytes = message_pack(lease, &size);
    Trireme__Lease *back = message_unpack(&trireme__lease__descriptor, bytes, size, &err);
    assert_int_equal(back->first_leaf, 5);
    assert_true(back->has_first_leaf);
    assert_false(back->has_leaves);
    assert_false(lease->has_first_leaf); // the packed message itself is untouched
    message_free(lease);
    message_free(back);
    free(bytes);
}

static void an_empty_wire_message_unpacks_to_defaults(void **state)
{
    (void)state;
    struct err err;
    Trireme__Config *run = message_unpack(&trireme__config__descriptor, NULL, 0, &err);
    void *defaults = message_new(&trireme__config__descriptor);
    assert_true(message_equal(run, defaults));
    assert_int_equal(run->wait->patience, 60);
    message_free(run);
    message_free(defaults);
}

static void damaged_bytes_do_not_unpack(void **state)
{
    (void)state;
    struct err err;
    assert_null(message_unpack(&trireme__config__descriptor, "\x0a\x7f\x01", 3, &err));
    assert_string_equal(
        err.text,
        "3 bytes that should be a trireme.Config are none: damaged, or of another version");
    assert_int_equal(err.code, ERR_MACHINE);
    // model.arch: 7
    assert_null(message_unpack(&trireme__config__descriptor, "\x0a\x02\x08\x07", 4, &err));
    // required fields
    assert_null(message_unpack(&trireme__train_request__descriptor, "", 0, &err));
    assert_null(message_unpack(&trireme__lease__descriptor, "\x08\x01", 2, &err)); // no step
}

static void bytes_of_an_unknown_field_are_passed_over(void **state)
{
    (void)state;
    struct err err;
    Trireme__Beat *beat =
        message_unpack(&trireme__beat__descriptor, "\x08\x05\xfa\x01\x02hi", 7, &err);
    assert_non_null(beat);
    assert_int_equal(beat->n, 5);
    message_free(beat);
}

static void bytes_travel_and_are_written_as_text(void **state)
{
    (void)state;
    struct err err;
    size_t size;
    Trireme__SampleReply *reply = message_new(&trireme__sample_reply__descriptor);
    reply->text.data = (unsigned char *)mem_strdup("a\xc3\xbc-b\xff");
    reply->text.data[3] = 0;
    reply->text.len = 6;
    unsigned char *bytes = message_pack(reply, &size);
    Trireme__SampleReply *back =
        message_unpack(&trireme__sample_reply__descriptor, bytes, size, &err);
    assert_int_equal(back->text.len, 6);
    assert_true(message_equal(reply, back));
    back->text.data[0] = 'A';
    assert_false(message_equal(reply, back));
    char *json = json_write(reply);
    assert_string_equal(json, "{\"text\":\"a\xc3\xbc\xef\xbf\xbd"
                              "b\xef\xbf\xbd\"}");
    assert_int_equal(json_read(back, json, strlen(json), "reply", ERR_DATA, &err), -1);
    assert_contains(err.text, "expected bytes, which no text gives");
    free(json);
    free(bytes);
    message_free(reply);
    message_free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_message_has_defaults_all_the_way_down),
        cmocka_unit_test(default_texts_are_owned_copies),
        cmocka_unit_test(a_copy_is_equal_and_apart),
        cmocka_unit_test(what_is_packed_unpacks_equal),
        cmocka_unit_test(a_value_without_its_has_flag_travels_too),
        cmocka_unit_test(an_empty_wire_message_unpacks_to_defaults),
        cmocka_unit_test(damaged_bytes_do_not_unpack),
        cmocka_unit_test(bytes_of_an_unknown_field_are_passed_over),
        cmocka_unit_test(bytes_travel_and_are_written_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
