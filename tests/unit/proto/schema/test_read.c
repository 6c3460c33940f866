#include "tests/unit/proto/schema/schema_fixture.h"

#include "proto/schema/message.h"
#include "proto/schema/read.h"

/* Fails unless the text is refused with that sentence and the message stays as it was. */
static void assert_refused(const char *yaml, const char *sentence)
{
    struct err err = {.text = ""};
    Trireme__Config *run = fixture_config(), *before = fixture_config();
    assert_int_equal(yaml_read(run, yaml, strlen(yaml), "run.yaml", ERR_USAGE, &err), -1);
    assert_string_equal(err.text, sentence);
    assert_int_equal(err.code, ERR_USAGE);
    assert_true(message_equal(run, before));
    message_free(run);
    message_free(before);
}

static void assert_json_refused(const char *json, const char *part)
{
    struct err err = {.text = ""};
    Trireme__Config *run = fixture_config(), *before = fixture_config();
    assert_int_equal(json_read(run, json, strlen(json), "run.json", ERR_DATA, &err), -1);
    assert_contains(err.text, part);
    assert_int_equal(err.code, ERR_DATA);
    assert_true(message_equal(run, before));
    message_free(run);
    message_free(before);
}

static Trireme__Config *read_run(const char *yaml)
{
    return fixture_read(&trireme__config__descriptor, yaml);
}

static void an_unknown_key_is_named_with_line_path_and_the_nearest_name(void **state)
{
    (void)state;
    assert_refused("train: {steps: 5}\n\noptimizer:\n  lrr: 1\n",
                   "run.yaml:4: optimizer.lrr: unknown key, expected one of name, lr, beta1, "
                   "beta2, eps, momentum, "
                   "weight_decay, clip (did you mean lr?)");
    assert_refused("init: {form: x}",
                   "run.yaml:1: init.form: unknown key, expected from (did you mean from?)");
    assert_refused("data:\n  sources:\n    - name: a\n    - nmae: b\n",
                   "run.yaml:4: data.sources.1.nmae: unknown key, expected one of name, path, "
                   "weight, format (did you "
                   "mean name?)");
    assert_refused(
        "zebra: 1",
        "run.yaml:1: zebra: unknown key, expected one of model, init, data, train, optimizer, "
        "schedule, eval, checkpoint, compute, wait, experiment, gate");
    assert_refused(
        "\"a\\nb\": 1",
        "run.yaml:1: a?b: unknown key, expected one of model, init, data, train, optimizer, "
        "schedule, eval, checkpoint, compute, wait, experiment, gate");
}

static void a_key_that_stands_twice_is_refused_with_both_lines(void **state)
{
    (void)state;
    assert_refused(
        "train:\n  steps: 5\n  batch: 8\n  steps: 5\n",
        "run.yaml:4: train.steps: found a second time, expected once (the first is on line 2)");
    assert_json_refused("{\"train\": {\"steps\": 5,\n \"steps\": 5}}",
                        "run.json:2: not JSON: duplicate object key");
}

static void a_whole_number_is_digits_within_bounds_and_nothing_else(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "many",  "1e3",  "2.0",     "0x10",       "010",
        "-1",    "0",    "1048577", "4294967297", "99999999999999999999999",
        "1_000", "true", ".inf",    "3 4",        "+"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *yaml = mem_format("model:\n\ntrain:\n  batch: %s\n", bad[i]);
        char *sentence = mem_format(
            "run.yaml:4: train.batch: found '%s', expected a whole number from 1 to 1048576",
            bad[i]);
        assert_refused(yaml, sentence);
        free(yaml);
        free(sentence);
    }
    assert_refused(
        "train: {batch: '32'}",
        "run.yaml:1: train.batch: found '32' in quotes, expected a whole number from 1 to 1048576");
    assert_refused("train: {seed: 18446744073709551616}",
                   "run.yaml:1: train.seed: found '18446744073709551616', "
                   "expected a whole number from 0 to 18446744073709551615");
    assert_json_refused(
        "{\"train\": {\"batch\": 1e3}}",
        "run.json: train.batch: found '1000.0', expected a whole number from 1 to 1048576");
    assert_json_refused("{\"train\": {\"batch\": \"32\"}}",
                        "run.json: train.batch: found '32' in quotes");
    assert_json_refused("{\"train\": {\"batch\": true}}", "run.json: train.batch: found 'true'");
}

static void the_ends_of_the_bounds_are_taken(void **state)
{
    (void)state;
    Trireme__Config *run =
        read_run("train: {batch: 1, microbatch: 65536, seed: 0}\nmodel: {vocab: 2}\n"
                 "optimizer: {lr: 100, beta1: 0.999999, beta2: 0}\nwait: {patience: 1}\n");
    assert_int_equal(run->train->batch, 1);
    assert_int_equal(run->train->microbatch, 65536);
    assert_int_equal(run->train->seed, 0);
    assert_true(run->optimizer->lr == 100);
    assert_true(run->optimizer->beta1 == 0.999999);
    message_free(run);
}

static void a_number_is_finite_decimal_and_within_bounds(void **state)
{
    (void)state;
    static const char *const bad[] = {"fast",  ".nan",  "nan",      ".inf",   "inf",   "-.inf",
                                      "1e999", "-1e-9", "100.0001", "1e-400", "0x1p3", "1e",
                                      "1e+",   ".",     "1.2.3",    "1,5",    "true",  "1 2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *yaml = mem_format("optimizer:\n  lr: %s\n", bad[i]);
        char *sentence = mem_format(
            "run.yaml:2: optimizer.lr: found '%s', expected a number from 0 to 100", bad[i]);
        assert_refused(yaml, sentence);
        free(yaml);
        free(sentence);
    }
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"1",      1     },
        {"1.",     1     },
        {".5",     0.5   },
        {"+2",     2     },
        {"1e1",    10    },
        {"5.0E-4", 5e-4  },
        {"0e5",    0     },
        {"1e-320", 1e-320}
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char *yaml = mem_format("optimizer: {lr: %s}", good[i].text);
        Trireme__Config *run = read_run(yaml);
        assert_true(run->optimizer->lr == good[i].value);
        message_free(run);
        free(yaml);
    }
}

static void a_bool_is_true_or_false(void **state)
{
    (void)state;
    Trireme__Config *run = read_run("model: {tied: true}");
    assert_true(run->model->has_tied && run->model->tied);
    message_free(run);
    run = read_run("model: {tied: false}");
    assert_true(run->model->has_tied && !run->model->tied);
    message_free(run);
    assert_refused("model: {tied: yes}",
                   "run.yaml:1: model.tied: found 'yes', expected true or false");
    assert_refused("model: {tied: 'true'}",
                   "run.yaml:1: model.tied: found 'true' in quotes, expected true or false");
    assert_refused("model: {tied: 1}", "run.yaml:1: model.tied: found '1', expected true or false");
}

static void an_enum_is_one_of_its_names(void **state)
{
    (void)state;
    assert_refused(
        "model: {arch: gpt3}",
        "run.yaml:1: model.arch: found 'gpt3', expected gpt2 or llama (did you mean gpt2?)");
    assert_refused(
        "schedule:\n  kind: step",
        "run.yaml:2: schedule.kind: found 'step', expected one of cosine, linear, constant");
    assert_refused("model: {arch: 1}", "run.yaml:1: model.arch: found '1', expected gpt2 or llama");
    assert_refused("model: {arch: [gpt2]}",
                   "run.yaml:1: model.arch: found a list, expected gpt2 or llama");
}

static void text_is_what_stands_there_with_or_without_quotes(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        {"123",       "123" },
        {"1.10",      "1.10"},
        {"yes",       "yes" },
        {"'null'",    "null"},
        {"\"a\\tb\"", "a\tb"},
        {"''",        ""    },
        {"a b",       "a b" },
        {"true",      "true"}
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char *yaml = mem_format("init: {from: %s}", words[i][0]);
        Trireme__Config *run = read_run(yaml);
        assert_string_equal(run->init->from, words[i][1]);
        message_free(run);
        free(yaml);
    }
    assert_refused("init: {from: \"a\\0b\"}",
                   "run.yaml:1: found a NUL inside of a text, expected none");
    assert_refused("init:\n  from: {a: b}",
                   "run.yaml:2: init.from: found keys and values, expected text");
    assert_json_refused("{\"init\": {\"from\": 123}}",
                        "run.json: init.from: found '123', expected text");
    assert_json_refused("{\"init\": {\"from\": false}}",
                        "run.json: init.from: found 'false', expected text");
}

static void null_puts_back_the_default(void **state)
{
    (void)state;
    Trireme__Config *run = fixture_config(), *defaults = message_new(&trireme__config__descriptor);
    const char *yaml = "model:\ninit: {from: null}\ndata: ~\ntrain: {seed: , steps: 7}\n";
    struct err err;
    assert_int_equal(yaml_read(run, yaml, strlen(yaml), "run.yaml", ERR_USAGE, &err), 0);
    assert_true(message_equal(run->model, defaults->model));
    assert_true(message_equal(run->data, defaults->data));
    assert_string_equal(run->init->from, "");
    assert_int_equal(run->train->seed, 1337);
    assert_int_equal(run->train->steps, 7);
    const char *json = "{\"optimizer\": {\"lr\": null}}";
    assert_int_equal(json_read(run, json, strlen(json), "x", ERR_USAGE, &err), 0);
    assert_true(run->optimizer->lr == 1e-3);
    assert_refused("data:\n  sources: [~]\n",
                   "run.yaml:2: data.sources.0: found nothing, expected keys and values, the "
                   "keys one of name, path, weight, format");
    message_free(run);
    message_free(defaults);
}

static void what_is_not_given_stays_and_lists_are_replaced_whole(void **state)
{
    (void)state;
    Trireme__Config *run = fixture_config();
    const char *yaml = "model: {layers: 9}\ndata: {sources: [{path: new}]}\n";
    struct err err;
    assert_int_equal(yaml_read(run, yaml, strlen(yaml), "run.yaml", ERR_USAGE, &err), 0);
    assert_int_equal(run->model->layers, 9);
    assert_int_equal(run->model->width, 64);
    assert_int_equal(run->data->order, TRIREME__DATA__ORDER__sequential);
    assert_int_equal(run->data->n_sources, 1);
    assert_string_equal(run->data->sources[0]->path, "new");
    assert_string_equal(run->data->sources[0]->name, "");
    assert_true(run->data->sources[0]->weight == 1);
    message_free(run);
}

static void a_text_without_a_document_gives_no_field(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",      "\n\n",  "# nothing\n  # at all\n", "\xef\xbb\xbf# after a byte order mark\n",
        "---\n", "null\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Trireme__Config *run = fixture_config(), *before = fixture_config();
        struct err err;
        assert_int_equal(yaml_read(run, texts[i], strlen(texts[i]), "run.yaml", ERR_USAGE, &err),
                         0);
        assert_true(message_equal(run, before));
        message_free(run);
        message_free(before);
    }
    assert_json_refused("", "run.json:1: not JSON: ");
}

static void maps_lists_and_scalars_stand_where_they_belong(void **state)
{
    (void)state;
    assert_refused(
        "- a\n",
        "run.yaml:1: found a list, expected keys and values, the keys one of model, init, data, "
        "train, optimizer, schedule, eval, checkpoint, compute, wait, experiment, gate");
    assert_refused("init: x",
                   "run.yaml:1: init: found 'x', expected keys and values, the keys from");
    assert_refused("data:\n  sources:\n    name: a\n",
                   "run.yaml:2: data.sources: found keys and values, expected a list");
    assert_refused("data: {sources: code}",
                   "run.yaml:1: data.sources: found one value, expected a list");
    assert_json_refused("[]", "run.json: found a list, expected keys and values");
}

static void what_is_no_yaml_is_named_with_its_line(void **state)
{
    (void)state;
    assert_refused("train:\n  steps: [1,\n",
                   "run.yaml:3: not YAML: did not find expected node content, while parsing a "
                   "flow node that begins on line 3");
    assert_refused("a: 1\n b: 2\n",
                   "run.yaml:2: not YAML: mapping values are not allowed in this context");
    assert_refused("init:\n  from: \xff\n", "run.yaml:2: not YAML: invalid leading UTF-8 octet");
    assert_json_refused("{\"train\":\n {\"steps\" 5}}", "run.json:2: not JSON: ");
}

static void anchors_aliases_tags_and_second_documents_are_refused(void **state)
{
    (void)state;
    assert_refused("train: &a {steps: 5}",
                   "run.yaml:1: found an anchor or an alias (& or *), expected the value itself, "
                   "or quotes around it");
    assert_refused("train:\n  steps: *a",
                   "run.yaml:2: found an anchor or an alias (& or *), expected the value itself, "
                   "or quotes around it");
    assert_refused("train:\n  steps: !!int 5",
                   "run.yaml:2: found a tag (!), expected the value alone, or quotes around it");
    assert_refused("train: {steps: 5}\n---\ntrain: {steps: 6}\n",
                   "run.yaml:2: found a second document, expected one");
    assert_refused("? [a]\n: 1\n",
                   "run.yaml:1: found a key that is a list, a map or an alias, expected a word");
}

static void nesting_ends_at_64_levels(void **state)
{
    (void)state;
    char brackets[10001];
    memset(brackets, '[', 10000);
    brackets[10000] = 0;
    assert_refused(brackets, "run.yaml:1: found more than 64 levels of lists and maps");
    assert_json_refused(brackets, "not JSON: ");
    char closed[201];
    memset(closed, '[', 100);
    memset(closed + 100, ']', 100);
    closed[200] = 0;
    assert_json_refused(closed, "run.json: found more than 64 levels of lists and maps");
    assert_refused(closed, "run.yaml:1: found more than 64 levels of lists and maps");
}

static void what_a_sentence_shows_of_a_value_is_short_and_clean(void **state)
{
    (void)state;
    char yaml[3000] = "train: {batch: \"\\e[31m";
    memset(yaml + strlen(yaml), 'x', 2000);
    strcat(yaml, "\"}");
    char sentence[400] = "run.yaml:1: train.batch: found '?[31m";
    memset(sentence + strlen(sentence), 'x', 55);
    strcat(sentence, "...' in quotes, expected a whole number from 1 to 1048576");
    assert_refused(yaml, sentence);
}

static void a_nul_of_json_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
    } rows[] = {
        {"{\"train\":{\"steps\":6\0}}", 21},
        {"{}\0",                        3 },
        {"\0{}",                        3 }
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = {.text = ""};
        Trireme__Config *config = message_new(&trireme__config__descriptor);
        assert_int_equal(json_read(config, rows[i].text, rows[i].size, "run.json", ERR_USAGE, &err),
                         -1);
        assert_string_equal(err.text, "run.json:1: not JSON: found a NUL");
        message_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_key_is_named_with_line_path_and_the_nearest_name),
        cmocka_unit_test(a_key_that_stands_twice_is_refused_with_both_lines),
        cmocka_unit_test(a_whole_number_is_digits_within_bounds_and_nothing_else),
        cmocka_unit_test(the_ends_of_the_bounds_are_taken),
        cmocka_unit_test(a_number_is_finite_decimal_and_within_bounds),
        cmocka_unit_test(a_bool_is_true_or_false),
        cmocka_unit_test(an_enum_is_one_of_its_names),
        cmocka_unit_test(text_is_what_stands_there_with_or_without_quotes),
        cmocka_unit_test(null_puts_back_the_default),
        cmocka_unit_test(what_is_not_given_stays_and_lists_are_replaced_whole),
        cmocka_unit_test(a_text_without_a_document_gives_no_field),
        cmocka_unit_test(maps_lists_and_scalars_stand_where_they_belong),
        cmocka_unit_test(what_is_no_yaml_is_named_with_its_line),
        cmocka_unit_test(anchors_aliases_tags_and_second_documents_are_refused),
        cmocka_unit_test(nesting_ends_at_64_levels),
        cmocka_unit_test(what_a_sentence_shows_of_a_value_is_short_and_clean),
        cmocka_unit_test(a_nul_of_json_is_refused_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
