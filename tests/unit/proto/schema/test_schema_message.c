#include "tests/unit/proto/schema/schema_samples.h"

#include "command.pb-c.h"
#include "control.pb-c.h"
#include "proto/schema/walk.h"
#include "proto/schema/write.h"

#include <math.h>

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
    Trireme__Manifest *a = sample_manifest(), *b = message_copy(a);
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
    void *messages[] = {sample_run(), sample_manifest(), sample_data_set(),
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

static void absent_equals_the_default_but_not_an_undeclared_zero(void **state)
{
    (void)state;
    Trireme__Config *a = message_new(&trireme__config__descriptor),
                    *b = message_new(&trireme__config__descriptor);
    a->train->has_steps = true; // 500, the default, said
    assert_true(message_equal(a, b));
    message_free(a->wait);
    a->wait = NULL;
    assert_true(message_equal(a, b));
    assert_true(message_equal(b, a));
    a->model->has_tied = true; // false, where nothing is declared
    assert_false(message_equal(a, b));
    message_free(a);
    message_free(b);
}

static void diff_names_the_leaves_in_order(void **state)
{
    (void)state;
    Trireme__Config *a = sample_run(), *b = sample_run();
    char *paths[8];
    assert_int_equal(message_diff(paths, 8, a, b), 0);
    b->model->tied = true;
    b->data->sources[1]->weight = 2;
    b->optimizer->lr = NAN;
    free(b->init->from);
    b->init->from = NULL; // which is its default
    static const char *const expected[] = {"model.tied", "init.from", "data.sources.1.weight",
                                           "optimizer.lr"};
    assert_int_equal(message_diff(paths, 8, a, b), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(paths[i], expected[i]);
        free(paths[i]);
    }
    assert_int_equal(message_diff(paths, 1, a, b), 4);
    free(paths[0]);
    message_free(a);
    message_free(b);
}

static void lists_of_other_lengths_differ_as_a_whole(void **state)
{
    (void)state;
    Trireme__Config *a = sample_run(), *b = sample_run();
    struct err err;
    char *path;
    assert_int_equal(message_set(b, "data.sources.2.name=more", "--set", &err), 0);
    assert_int_equal(message_diff(&path, 1, a, b), 1);
    assert_string_equal(path, "data.sources");
    free(path);
    message_free(a);
    message_free(b);
}

static void check_finds_each_number_outside_of_its_bounds(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    Trireme__Config *run = sample_run();
    assert_int_equal(message_check(run, "run.yaml", &err), 0);
    run->model->layers = 0;
    assert_int_equal(message_check(run, "run.yaml", &err), -1);
    assert_string_equal(err.text,
                        "run.yaml: model.layers: found 0, expected a whole number from 1 to 1000");
    run->model->layers = 1001;
    assert_int_equal(message_check(run, "run.yaml", &err), -1);
    run->model->layers = 1000;
    run->data->sources[1]->weight = -0.5;
    assert_int_equal(message_check(run, "patch", &err), -1);
    assert_string_equal(
        err.text, "patch: data.sources.1.weight: found -0.5, expected a number from 0 to 1000000");
    run->data->sources[1]->weight = NAN;
    assert_int_equal(message_check(run, "patch", &err), -1);
    assert_contains(err.text, "found nan,");
    run->data->sources[1]->weight = 1e6;
    run->wait->patience = INFINITY;
    assert_int_equal(message_check(run, "patch", &err), -1);
    assert_contains(err.text, "patch: wait.patience: found inf,");
    message_free(run);
    Trireme__Norms *norms = sample_read(&trireme__norms__descriptor, "squares: [1, 2]");
    norms->squares[0] = INFINITY; // a field without bounds takes every number
    assert_int_equal(message_check(norms, "norms", &err), 0);
    message_free(norms);
}

static void the_doc_of_a_path_is_that_of_its_field(void **state)
{
    (void)state;
    struct err err;
    const ProtobufCMessageDescriptor *run = &trireme__config__descriptor;
    const struct field_doc *doc = message_field_doc(run, "optimizer.lr", &err);
    assert_string_equal(doc->message, "trireme.Optimizer");
    assert_string_equal(doc->field, "lr");
    assert_string_equal(doc->comment, "Learning rate at its highest.");
    assert_string_equal(doc->unit, "1/step");
    assert_true(doc->min == 0 && doc->max == 100);
    assert_int_equal(doc->when, WHEN_LIVE);
    assert_string_equal(when_name(message_field_doc(run, "model.layers", &err)->when), "growth");
    assert_int_equal(message_field_doc(run, "data.sources.17.weight", &err)->when, WHEN_CHECKPOINT);
    assert_string_equal(message_field_doc(run, "data.sources", &err)->field, "sources");
    assert_string_equal(message_field_doc(run, "data.sources.0", &err)->field, "sources");
    assert_null(message_field_doc(run, "optimizer.beta", &err));
    assert_string_equal(
        err.text,
        "optimizer.beta: unknown key, expected one of name, lr, beta1, beta2, eps, momentum, "
        "weight_decay, clip (did you mean beta1?)");
    assert_null(message_field_doc(run, "data.sources.first", &err));
    assert_string_equal(
        err.text, "data.sources.first: unknown element, expected the number of one in the list");
    assert_null(message_field_doc(run, "", &err));
    assert_null(message_field_doc(run, "model.", &err));
    assert_null(message_field_doc(run, ".model", &err));
    assert_null(message_field_doc(run, "data.sources.99999999999999999999.name", &err));
    assert_non_null(message_field_doc(run, "data.sources.18446744073709551615.name", &err));
}

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
        cmocka_unit_test(a_new_message_has_defaults_all_the_way_down),
        cmocka_unit_test(default_texts_are_owned_copies),
        cmocka_unit_test(a_copy_is_equal_and_apart),
        cmocka_unit_test(what_is_packed_unpacks_equal),
        cmocka_unit_test(a_value_without_its_has_flag_travels_too),
        cmocka_unit_test(an_empty_wire_message_unpacks_to_defaults),
        cmocka_unit_test(damaged_bytes_do_not_unpack),
        cmocka_unit_test(bytes_of_an_unknown_field_are_passed_over),
        cmocka_unit_test(bytes_travel_and_are_written_as_text),
        cmocka_unit_test(absent_equals_the_default_but_not_an_undeclared_zero),
        cmocka_unit_test(diff_names_the_leaves_in_order),
        cmocka_unit_test(lists_of_other_lengths_differ_as_a_whole),
        cmocka_unit_test(check_finds_each_number_outside_of_its_bounds),
        cmocka_unit_test(the_doc_of_a_path_is_that_of_its_field),
        cmocka_unit_test(types_and_values_have_their_comments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
