#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

static void check_refused(const char *const *settings, size_t n, const char *sentence)
{
    struct err err;
    Trireme__Config *config = run_config_read(NULL, (char *const *)settings, n, &err);
    if (config)
        fail_msg("taken, expected a refusal with \"%s\"", sentence);
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(err.text, sentence);
}

#define REFUSED(sentence, ...)                                                                     \
    check_refused((const char *const[]){__VA_ARGS__},                                              \
                  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), sentence)

static void what_fields_say_together_is_checked_with_whole_sentences(void **state)
{
    (void)state;
    REFUSED("train.batch: found 10, expected a multiple of train.microbatch = 4", "train.batch=10");
    REFUSED("train.context: found 100, expected a number that divides model.context = 256",
            "train.context=100");
    REFUSED("gate.weights: found 1, expected one for each of the 0 sources, or none",
            "gate.weights=[1]");
    REFUSED("schedule.min_lr: found 0.0001, expected at most optimizer.lr = 1e-05",
            "optimizer.lr=1e-5");
    REFUSED("model.heads: found 7, expected a number that divides model.width = 384",
            "model.heads=7");
    REFUSED("model.kv_heads: found 4, expected a number that divides model.heads = 6",
            "model.arch=llama", "model.kv_heads=4");
    REFUSED("model.kv_heads: found 3 with arch gpt2, expected 0 or model.heads = 6",
            "model.kv_heads=3");
    REFUSED("model.width: found 378 with 6 heads, expected an even number of dimensions a head",
            "model.arch=llama", "model.width=378");
}

static void single_fields_are_checked_too(void **state)
{
    (void)state;
    struct err err;
    const char *const settings[] = {"train.batch=0", "model.layers=1001", "optimizer.lrr=1",
                                    "no setting", "wait.patience=0"};
    for (size_t i = 0; i < 5; i++) {
        char *one = (char *)settings[i];
        assert_null(run_config_read(NULL, &one, 1, &err));
        assert_int_equal(err.code, ERR_USAGE);
        assert_contains(err.text, "--set");
    }
}

static void a_constant_rate_needs_no_lowest_one(void **state)
{
    (void)state;
    struct err err;
    char *const settings[] = {"optimizer.lr=1e-5", "schedule.kind=constant"};
    Trireme__Config *config = run_config_read(NULL, settings, 2, &err);
    assert_non_null(config);
    message_free(config);
}

static void a_launch_has_twice_the_patience_half_a_minute_or_what_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *patience, *launch;
        double seconds;
    } cases[] = {
        {"wait.patience=60", "wait.launch=0",   120},
        {"wait.patience=5",  "wait.launch=0",   30 },
        {"wait.patience=60", "wait.launch=1.5", 1.5},
    };
    struct err err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *const settings[] = {(char *)cases[i].patience, (char *)cases[i].launch};
        Trireme__Config *config = run_config_read(NULL, settings, 2, &err);
        assert_non_null(config);
        assert_true(run_config_launch_seconds(config) == cases[i].seconds);
        message_free(config);
    }
}

static void open_sizes_are_resolved(void **state)
{
    (void)state;
    struct err err;
    char *const llama[] = {"model.arch=llama"};
    Trireme__Config *config = run_config_read(NULL, NULL, 0, &err),
                    *other = run_config_read(NULL, llama, 1, &err);
    assert_true(config->model->ffn == 4 * 384 && config->model->kv_heads == 6 &&
                config->model->tied);
    assert_true(other->model->ffn == 1024 && other->model->kv_heads == 6 && !other->model->tied);
    message_free(config);
    message_free(other);
}

static void a_configuration_that_was_written_is_read_back_equal(void **state)
{
    struct err err;
    char *const settings[] = {"data.sources=[{name: a, path: 'x: #y', weight: 0.1}, {path: z}]",
                              "optimizer.lr=0.1", "model.arch=llama",
                              "schedule.min_lr=0.0123456789012345678"};
    Trireme__Config *config = run_config_read(NULL, settings, 4, &err);
    assert_non_null(config);
    assert_null(run_config_of(*state, &err));
    assert_contains(err.text, "found no run there (it has no config.yaml)");
    assert_int_equal(run_config_write(*state, config, &err), 0);
    Trireme__Config *found = run_config_of(*state, &err);
    assert_true(found && message_equal(found, config));
    double *weights = run_config_weights(found);
    assert_true(weights[0] == 0.1 && weights[1] == 1);
    free(weights);
    char *path = file_join(*state, "config.yaml");
    Trireme__Config *again = run_config_read(path, NULL, 0, &err); // and as anybody's file
    assert_true(again && message_equal(again, config));
    free(path);
    message_free(again);
    message_free(found);
    message_free(config);
}

static void what_an_earlier_version_wrote_is_read_of_a_run_and_refused_of_a_user(void **state)
{
    struct err err;
    static const char *const earlier = "train: {steps: 7}\n"
                                       "gate: {alpha: 0.2, beta: 0.1, confirm: true, share: 0.5}\n";
    char *path = file_join(*state, "config.yaml");
    must_write(path, earlier, strlen(earlier));
    Trireme__Config *config = run_config_of(*state, &err);
    if (!config)
        fail_msg("%s", err.text);
    assert_true(config->gate->alpha == 0.2 && config->gate->share == 0.4);
    char *amended = run_config_amended(*state);
    assert_string_equal(
        amended, "gate.beta, gate.confirm mean nothing any more; gate.share 0.5 becomes 0.4");
    free(amended);

    assert_null(run_config_read(path, NULL, 0, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "config.yaml:2: gate.beta: unknown key, expected one of ");
    char *const beyond[] = {"gate.share=0.5"}, *const dropped[] = {"gate.confirm=true"};
    assert_null(run_config_change(config, beyond, 1, &err));
    assert_null(run_config_change(config, dropped, 1, &err));

    assert_int_equal(run_config_write(*state, config, &err), 0);
    assert_null(run_config_amended(*state)); // it is this version's now
    message_free(config);
    free(path);
}

static void a_change_leaves_the_configuration_as_it_was(void **state)
{
    (void)state;
    struct err err;
    Trireme__Config *config = run_config_read(NULL, NULL, 0, &err), *before = message_copy(config);
    char *const good[] = {"train.steps=7"}, *const bad[] = {"train.steps=7", "train.batch=10"};
    Trireme__Config *changed = run_config_change(config, good, 1, &err);
    assert_true(changed && changed->train->steps == 7);
    assert_null(run_config_change(config, bad, 2, &err));
    assert_true(message_equal(config, before));
    message_free(changed);
    message_free(before);
    message_free(config);
}

static void
the_shape_of_a_hugging_face_directory_is_taken_and_a_disagreeing_one_refused(void **state)
{
    (void)state;
    struct err err;
    char *const from[] = {"init.from=" FIXTURES "/llama/hf", "model.width=64"};
    Trireme__Config *config = run_config_read(NULL, from, 1, &err);
    assert_non_null(config);
    const Trireme__Model *m = config->model;
    assert_true(m->arch == TRIREME__MODEL__ARCH__llama && m->width == 32 && m->kv_heads == 2 &&
                m->vocab == 61 && !m->tied);
    message_free(config);
    assert_null(run_config_read(NULL, from, 2, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(err.text,
                        "init.from: model.width: the value given is not the one in " FIXTURES
                        "/llama/hf/config.json: leave it out, or make them agree");
}

static void weights_of_a_run_need_a_step(void **state)
{
    (void)state;
    check_refused((const char *const[]){"init.from=runs/a"}, 1,
                  "init.from: found 'runs/a', expected a Hugging Face directory (with config.json) "
                  "or RUN@STEP");
}

static void a_file_that_is_not_there_is_named(void **state)
{
    struct err err;
    char *path = file_join(*state, "none.yaml");
    assert_null(run_config_read(path, NULL, 0, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "none.yaml: cannot open");
    free(path);
}

/* The defaults with one source and a setting. */
static Trireme__Config *config_with(const char *setting)
{
    struct err err;
    char *const settings[] = {"data.sources=[{path: x}]", (char *)setting};
    Trireme__Config *config = run_config_read(NULL, settings, 2, &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

static void a_sample_has_the_whole_context_or_a_part_of_it(void **state)
{
    (void)state;
    Trireme__Config *whole = config_with("train.context=0"),
                    *part = config_with("train.context=64");
    assert_int_equal(run_config_context(whole), 256);
    assert_int_equal(run_config_parts(whole), 1);
    assert_int_equal(run_config_context(part), 64);
    assert_int_equal(run_config_parts(part), 4);
    message_free(whole);
    message_free(part);
}

static void the_data_order_follows_the_context_and_what_is_skipped(void **state)
{
    (void)state;
    struct err err = {0};
    Trireme__Config *before = config_with("data.skip=5"), *after = config_with("data.skip=12"),
                    *shorter = config_with("train.context=128");
    Trireme__Segment **segments = mem_new(1, sizeof *segments);
    size_t n = 1;
    segments[0] = run_config_first_segment(before, &err);
    assert_int_equal(segments[0]->cursors[0], 5);
    assert_int_equal(run_config_append(&segments, &n, 100, before, before, &err), 0);
    assert_int_equal(n, 1);
    assert_int_equal(run_config_append(&segments, &n, 100, after, before, &err), 0);
    assert_int_equal(n, 2);
    assert_int_equal(segments[1]->cursors[0], 112);
    assert_int_equal(run_config_append(&segments, &n, 200, shorter, before, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(
        err.text,
        "data.skip: found 0, expected at least 5: what was passed over does not come back");
    assert_int_equal(n, 2);
    shorter->data->skip = 12, shorter->data->has_skip = 1;
    assert_int_equal(run_config_append(&segments, &n, 200, shorter, after, &err), 0);
    assert_int_equal(n, 3);
    assert_int_equal(segments[2]->cursors[0], 2 * 212);
    assert_int_equal(segments[2]->parts, 2);
    for (size_t i = 0; i < n; i++)
        message_free(segments[i]);
    free(segments);
    message_free(before);
    message_free(after);
    message_free(shorter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fields_say_together_is_checked_with_whole_sentences),
        cmocka_unit_test(single_fields_are_checked_too),
        cmocka_unit_test(a_constant_rate_needs_no_lowest_one),
        cmocka_unit_test(a_launch_has_twice_the_patience_half_a_minute_or_what_is_said),
        cmocka_unit_test(open_sizes_are_resolved),
        test_in_folder(a_configuration_that_was_written_is_read_back_equal),
        test_in_folder(what_an_earlier_version_wrote_is_read_of_a_run_and_refused_of_a_user),
        cmocka_unit_test(a_change_leaves_the_configuration_as_it_was),
        cmocka_unit_test(
            the_shape_of_a_hugging_face_directory_is_taken_and_a_disagreeing_one_refused),
        test_in_folder(weights_of_a_run_need_a_step),
        test_in_folder(a_file_that_is_not_there_is_named),
        cmocka_unit_test(a_sample_has_the_whole_context_or_a_part_of_it),
        cmocka_unit_test(the_data_order_follows_the_context_and_what_is_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
