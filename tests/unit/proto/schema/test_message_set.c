#include "tests/unit/proto/schema/schema_fixture.h"

#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/walk.h"

static Trireme__Config *set_all(const char *const *settings)
{
    struct err err = {.text = ""};
    Trireme__Config *run = fixture_config();
    for (; *settings; settings++)
        if (message_set(run, *settings, "--set", &err) != 0)
            fail_msg("%s", err.text);
    return run;
}

static void assert_refused(const char *setting, const char *sentence)
{
    struct err err = {.text = ""};
    Trireme__Config *run = fixture_config(), *before = fixture_config();
    assert_int_equal(message_set(run, setting, "--set", &err), -1);
    assert_string_equal(err.text, sentence);
    assert_int_equal(err.code, ERR_USAGE);
    assert_true(message_equal(run, before));
    message_free(run);
    message_free(before);
}

static void a_scalar_is_set_by_its_path(void **state)
{
    (void)state;
    Trireme__Config *run =
        set_all((const char *const[]){"optimizer.lr=5e-4", "model.arch=gpt2", "model.tied=true",
                                      "train.seed=0", "init.from=a=b", NULL});
    assert_true(run->optimizer->lr == 5e-4);
    assert_int_equal(run->model->arch, TRIREME__MODEL__ARCH__gpt2);
    assert_true(run->model->has_tied && run->model->tied);
    assert_int_equal(run->train->seed, 0);
    assert_string_equal(run->init->from, "a=b");
    message_free(run);
}

static void nothing_is_the_empty_text_and_null_the_default(void **state)
{
    (void)state;
    Trireme__Config *run =
        set_all((const char *const[]){"init.from=", "train.seed=null", "model.tied=~", NULL});
    assert_string_equal(run->init->from, "");
    assert_int_equal(run->train->seed, 1337);
    assert_false(run->model->has_tied);
    message_free(run);
    assert_refused("train.batch=",
                   "--set: train.batch: found '', expected a whole number from 1 to 1048576");
}

static void list_elements_are_set_by_number_and_one_past_the_end_appends(void **state)
{
    (void)state;
    Trireme__Config *run = set_all(
        (const char *const[]){"data.sources.0.weight=2", "data.sources.2.name=new",
                              "data.sources.2.weight=5", "data.sources.1={name: other}", NULL});
    assert_int_equal(run->data->n_sources, 3);
    assert_true(run->data->sources[0]->weight == 2);
    assert_string_equal(run->data->sources[0]->name, "code");
    assert_string_equal(run->data->sources[1]->name, "other");
    assert_string_equal(run->data->sources[1]->path, "1e5"); // a map is read over what is there
    assert_string_equal(run->data->sources[2]->name, "new");
    assert_true(run->data->sources[2]->weight == 5);
    message_free(run);
    Trireme__Segment *segment = fixture_read(&trireme__segment__descriptor, "cursors: [1, 2]");
    struct err err;
    assert_int_equal(message_set(segment, "cursors.2=3", "--set", &err), 0);
    assert_int_equal(message_set(segment, "cursors.0=9", "--set", &err), 0);
    assert_int_equal(segment->n_cursors, 3);
    assert_int_equal(segment->cursors[0], 9);
    assert_int_equal(segment->cursors[2], 3);
    message_free(segment);
}

static void flow_lists_and_maps_are_values(void **state)
{
    (void)state;
    Trireme__Config *run =
        set_all((const char *const[]){"data={order: shuffled, sources: [{name: a, path: 'x: y'}]}",
                                      "optimizer={name: adamw, lr: 0.5}", NULL});
    assert_int_equal(run->data->n_sources, 1);
    assert_string_equal(run->data->sources[0]->path, "x: y");
    assert_int_equal(run->optimizer->name, TRIREME__OPTIMIZER__NAME__adamw);
    assert_true(run->optimizer->momentum == 0.123456789012345); // a map is read over what is there
    message_free(run);
    run = set_all((const char *const[]){"data.sources=[]", NULL});
    assert_int_equal(run->data->n_sources, 0);
    message_free(run);
}

static void a_bad_setting_is_refused_with_its_path(void **state)
{
    (void)state;
    assert_refused("optimizer.lr", "--set: found 'optimizer.lr', expected PATH=VALUE");
    assert_refused("=3", "--set: found '=3', expected PATH=VALUE");
    assert_refused(
        "optimizer.lrr=3",
        "--set: optimizer.lrr: unknown key, expected one of name, lr, beta1, beta2, eps, "
        "momentum, weight_decay, clip (did you mean lr?)");
    assert_refused("optimizer={lrr: 3}",
                   "--set: optimizer.lrr: unknown key, expected one of name, lr, beta1, beta2, "
                   "eps, momentum, weight_decay, clip (did you mean lr?)");
    assert_refused("optimizer={lr: 3, lr: 3}",
                   "--set: optimizer.lr: found a second time, expected once");
    assert_refused("train.batch=many",
                   "--set: train.batch: found 'many', expected a whole number from 1 to 1048576");
    assert_refused("train.batch=[1]",
                   "--set: train.batch: found a list, expected a whole number from 1 to 1048576");
    assert_refused(
        "train.batch.x=1",
        "--set: train.batch.x: unknown key, expected none behind batch, which is one value");
    assert_refused(
        "data.sources.3.name=x",
        "--set: data.sources.3: unknown element, expected a number from 0 to 2 (2 appends)");
    assert_refused(
        "data.sources.-1.name=x",
        "--set: data.sources.-1: unknown element, expected a number from 0 to 2 (2 appends)");
    assert_refused("data.sources.2.weight=-1",
                   "--set: data.sources.2.weight: found '-1', expected a number from 0 to 1000000");
    assert_refused("data.sources=3", "--set: data.sources: found one value, expected a list");
    assert_refused(
        "optimizer=3",
        "--set: optimizer: found '3', expected keys and values, the keys one of name, lr, beta1, "
        "beta2, eps, momentum, weight_decay, clip");
    assert_refused("optimizer={lr: [}",
                   "--set: optimizer: not YAML: did not find expected node content");
}

static void a_value_set_by_path_stands_for_itself(void **state)
{
    (void)state;
    struct err err;
    Trireme__Config *run = fixture_config();
    static const char *const texts[] = {"null", "a: b # c", "[", "", "'quoted'", "*x"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(message_set_path(run, "init.from", texts[i], "--from", &err), 0);
        assert_string_equal(run->init->from, texts[i]);
    }
    assert_int_equal(message_set_path(run, "train.batch", "null", "here", &err), -1);
    assert_string_equal(
        err.text, "here: train.batch: found 'null', expected a whole number from 1 to 1048576");
    assert_int_equal(message_set_path(run, "init.from", "a\xff", "here", &err), -1);
    assert_string_equal(err.text, "here: init.from: found 'a?', which is not UTF-8, expected text");
    message_free(run);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scalar_is_set_by_its_path),
        cmocka_unit_test(nothing_is_the_empty_text_and_null_the_default),
        cmocka_unit_test(list_elements_are_set_by_number_and_one_past_the_end_appends),
        cmocka_unit_test(flow_lists_and_maps_are_values),
        cmocka_unit_test(a_bad_setting_is_refused_with_its_path),
        cmocka_unit_test(a_value_set_by_path_stands_for_itself),
        cmocka_unit_test(the_doc_of_a_path_is_that_of_its_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
