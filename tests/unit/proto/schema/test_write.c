/* YAML and JSON as they are written, and that both read back equal. */
#include "tests/unit/proto/schema/schema_fixture.h"

#include "base/mem.h"
#include "base/random.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include "control.pb-c.h"
#include "planner.pb-c.h"

#include <math.h>

typedef char *(*write_fn)(const void *message);
typedef int (*read_fn)(void *message, const char *text, size_t size, const char *where,
                       enum err_code code, struct err *err);

static char *yaml_bare(const void *message)
{
    return yaml_write(message, false);
}

static char *yaml_commented(const void *message)
{
    return yaml_write(message, true);
}

static const struct {
    write_fn write;
    read_fn read;
} forms[] = {
    {yaml_bare,         yaml_read},
    {yaml_commented,    yaml_read},
    {json_write,        json_read},
    {json_write_pretty, json_read}
};
enum { N_FORMS = sizeof forms / sizeof *forms };

/* Writes the message in every form, reads each back and expects an equal message. */
static void assert_reads_back(const void *message)
{
    for (size_t i = 0; i < N_FORMS; i++) {
        struct err err = {.text = ""};
        char *text = forms[i].write(message);
        void *back = message_new(((const ProtobufCMessage *)message)->descriptor);
        if (forms[i].read(back, text, strlen(text), "written", ERR_USAGE, &err) != 0)
            fail_msg("%s in\n%s", err.text, text);
        if (!message_equal(message, back))
            fail_msg("another message comes back from\n%s", text);
        message_free(back);
        free(text);
    }
}

static void run_manifest_and_data_set_read_back_equal_in_every_form(void **state)
{
    (void)state;
    void *messages[] = {fixture_config(), fixture_manifest(), fixture_data_set(),
                        message_new(&trireme__config__descriptor),
                        message_new(&trireme__status__descriptor)};
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        assert_reads_back(messages[i]);
        message_free(messages[i]);
    }
}

static void any_text_reads_back_equal(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "a",
                                        "1",
                                        "1.5",
                                        "1e5",
                                        "0x10",
                                        "-",
                                        "- a",
                                        "--- ",
                                        "...",
                                        ".5",
                                        ".inf",
                                        "./a",
                                        "../b",
                                        "..",
                                        "true",
                                        "False",
                                        "YES",
                                        "no",
                                        "on",
                                        "off",
                                        "y",
                                        "N",
                                        "null",
                                        "~",
                                        "a: b",
                                        "a:b",
                                        "a #b",
                                        "#",
                                        "'",
                                        "\"",
                                        "\\",
                                        "\\n",
                                        "a\nb\n",
                                        "\n",
                                        "\ttab",
                                        "trailing ",
                                        "{a: b}",
                                        "[1]",
                                        "*a",
                                        "&a",
                                        "!t",
                                        "|",
                                        ">",
                                        "%",
                                        "@",
                                        "`",
                                        "?",
                                        "? a",
                                        ",",
                                        "RUN@100",
                                        "a/b_c-d.e+f",
                                        "\x01\x02\x1f\x7f",
                                        "\xc2\x80\xc2\x85\xc2\xa0",
                                        "ünï",
                                        "\xe2\x80\xa8\xe2\x80\xa9",
                                        "\xef\xbb\xbf",
                                        "\xef\xbf\xbe\xef\xbf\xbf",
                                        "🚣",
                                        "\xf4\x8f\xbf\xbf",
                                        "12:30:45",
                                        "2024-01-01",
                                        "=",
                                        "<<",
                                        "1_000",
                                        "18446744073709551615",
                                        "9223372036854775808",
                                        "+9223372036854775808",
                                        "-9223372036854775808"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Trireme__Note *note = message_new(&trireme__note__descriptor);
        note->text = mem_strdup(texts[i]);
        assert_reads_back(note);
        message_free(note);
    }
}

static void whole_numbers_read_back_equal_to_the_last_one(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {
        0, 1, 9007199254740993, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        Trireme__Beat *beat = message_new(&trireme__beat__descriptor);
        beat->n = numbers[i];
        assert_reads_back(beat);
        message_free(beat);
    }
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void every_finite_number_reads_back_to_the_same_bits(void **state)
{
    (void)state;
    Trireme__StepDecision *decision = message_new(&trireme__step_decision__descriptor);
    for (uint64_t i = 0; i < 3000; i++) {
        decision->lr = double_of(random_u64(1, i));
        decision->scale = float_of((uint32_t)random_u64(2, i));
        if (isfinite(decision->lr) && isfinite(decision->scale))
            assert_reads_back(decision);
    }
    static const double special[] = {0.0,
                                     -0.0,
                                     5e-324,
                                     2.2250738585072014e-308,
                                     1.7976931348623157e308,
                                     0.1,
                                     -1,
                                     1e15,
                                     1e16,
                                     123456789012345678,
                                     1e22,
                                     1e23};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        decision->lr = special[i];
        assert_reads_back(decision);
    }
    message_free(decision);
}

static void yaml_is_in_blocks_in_the_order_of_declaration(void **state)
{
    (void)state;
    void *segment =
        fixture_read(&trireme__manifest__descriptor,
                     "step: 3\nsegments: [{first_sample: 7, cursors: [1, 2]}, {}]\nversion: '1'\n");
    Trireme__Manifest *manifest = segment;
    message_free(manifest->config);
    message_free(manifest->asked);
    manifest->config = manifest->asked = NULL;
    char *yaml = yaml_write(manifest, false);
    assert_string_equal(yaml, "format: 1\n"
                              "version: \"1\"\n"
                              "step: 3\n"
                              "segments:\n"
                              "  - first_sample: 7\n"
                              "    cursors:\n"
                              "      - 1\n"
                              "      - 2\n"
                              "    weights: []\n"
                              "  - cursors: []\n"
                              "    weights: []\n"
                              "shards: []\n"
                              "promoted: {}\n"
                              "peeks: {}\n");
    free(yaml);
    message_free(manifest);
    Trireme__Answer *nothing = message_new(&trireme__answer__descriptor);
    yaml = yaml_write(nothing, false);
    assert_string_equal(yaml, "{}\n");
    free(yaml);
    message_free(nothing);
}

static void comments_stand_behind_the_values_with_unit_and_bounds(void **state)
{
    (void)state;
    void *schedule = message_new(&trireme__schedule__descriptor);
    char *yaml = yaml_write(schedule, true);
    assert_string_equal(
        yaml,
        "kind: cosine                      # Shape after warmup. (constant, cosine, linear)\n"
        "warmup: 50                        # Steps in which the rate climbs to lr. (steps, at most "
        "1000000000)\n"
        "min_lr: 0.0001                    # The rate at the last step. (1/step, 0 to 100)\n");
    free(yaml);
    message_free(schedule);
}

static void what_is_not_said_stands_in_the_commented_form_too_and_is_no_value(void **state)
{
    (void)state;
    struct err err;
    void *model = message_new(&trireme__model__descriptor),
         *again = message_new(&trireme__model__descriptor);
    char *plain = yaml_write(model, false), *yaml = yaml_write(model, true);
    assert_null(strstr(plain, "head_dim"));
    assert_contains(yaml, "\n# head_dim:                       # Numbers of a head (llama); ");
    if (yaml_read(again, yaml, strlen(yaml), "again", ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(message_equal(again, model));
    free(plain);
    free(yaml);
    message_free(again);
    message_free(model);
}

static void json_is_one_line_without_what_is_absent(void **state)
{
    (void)state;
    Trireme__TrainLine *line = message_new(&trireme__train_line__descriptor);
    line->step = 1; // no has_ flag: what differs from the default counts as set
    line->loss = NAN;
    line->has_seconds = true;
    line->lr = 2e-5;
    char *json = json_write(line);
    assert_string_equal(json, "{\"kind\":\"train\",\"trial\":\"trunk\",\"step\":1,\"loss\":null,"
                              "\"lr\":2.0e-5,\"seconds\":0}");
    free(json);
    json = json_write_pretty(line);
    assert_contains(json, "{\n  \"kind\": \"train\",\n  \"trial\": \"trunk\",\n");
    free(json);
    message_free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_manifest_and_data_set_read_back_equal_in_every_form),
        cmocka_unit_test(any_text_reads_back_equal),
        cmocka_unit_test(whole_numbers_read_back_equal_to_the_last_one),
        cmocka_unit_test(every_finite_number_reads_back_to_the_same_bits),
        cmocka_unit_test(yaml_is_in_blocks_in_the_order_of_declaration),
        cmocka_unit_test(comments_stand_behind_the_values_with_unit_and_bounds),
        cmocka_unit_test(what_is_not_said_stands_in_the_commented_form_too_and_is_no_value),
        cmocka_unit_test(json_is_one_line_without_what_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
