#include "tests/unit/proto/schema/schema_fixture.h"

#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include "control.pb-c.h"

#include <math.h>

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
    Trireme__Config *a = fixture_config(), *b = fixture_config();
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
    Trireme__Config *a = fixture_config(), *b = fixture_config();
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
    Trireme__Config *run = fixture_config();
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
    Trireme__Norms *norms = fixture_read(&trireme__norms__descriptor, "squares: [1, 2]");
    norms->squares[0] = INFINITY; // a field without bounds takes every number
    assert_int_equal(message_check(norms, "norms", &err), 0);
    message_free(norms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_equals_the_default_but_not_an_undeclared_zero),
        cmocka_unit_test(diff_names_the_leaves_in_order),
        cmocka_unit_test(lists_of_other_lengths_differ_as_a_whole),
        cmocka_unit_test(check_finds_each_number_outside_of_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
