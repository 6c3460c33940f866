/* Fields that are maps, as they are written and read. */
#include "tests/unit/proto/schema/schema_fixture.h"

#include "base/mem.h"
#include "base/text.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include "ledger.pb-c.h"
#include "planner.pb-c.h"

static Trireme__Proposal *proposal(const char *const changes[][2], size_t n)
{
    Trireme__Proposal *proposal = message_new(&trireme__proposal__descriptor);
    proposal->patch = mem_new(n, sizeof *proposal->patch);
    proposal->n_patch = n;
    for (size_t i = 0; i < n; i++) {
        proposal->patch[i] = message_new(&trireme__change__descriptor);
        proposal->patch[i]->path = mem_strdup(changes[i][0]);
        proposal->patch[i]->value = mem_strdup(changes[i][1]);
    }
    return proposal;
}

static void assert_equal_and_free(char *text, const char *expected)
{
    assert_string_equal(text, expected);
    free(text);
}

static void a_map_is_an_object_in_json_and_yaml(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"optimizer.lr",  "0.0005"},
        {"schedule.kind", "linear"},
        {"model.tied",    "true"  }
    };
    Trireme__Proposal *message = proposal(changes, 3);
    message->id = mem_strdup("a");
    assert_equal_and_free(json_write(message),
                          "{\"id\":\"a\",\"patch\":{\"optimizer.lr\":0.0005,"
                          "\"schedule.kind\":\"linear\",\"model.tied\":true}}");
    assert_equal_and_free(json_write_pretty(message),
                          "{\n  \"id\": \"a\",\n  \"patch\": {\n    \"optimizer.lr\": 0.0005,\n"
                          "    \"schedule.kind\": \"linear\",\n    \"model.tied\": true\n  }\n}\n");
    assert_equal_and_free(
        yaml_write(message, false),
        "id: a\npatch:\n  optimizer.lr: 0.0005\n  schedule.kind: linear\n  model.tied: true\n");
    message_free(message);
    message = proposal(NULL, 0);
    assert_equal_and_free(json_write(message), "{\"patch\":{}}");
    assert_equal_and_free(yaml_write(message, false), "patch: {}\n");
    message_free(message);
}

static void every_key_and_value_reads_back_as_it_is_spelled(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "0",
                                        "-0",
                                        "-0.0",
                                        "1",
                                        "+1",
                                        "-1",
                                        "01",
                                        "1.0",
                                        "1.",
                                        ".5",
                                        "1e5",
                                        "1.0e+5",
                                        "5e-4",
                                        "0.0005",
                                        "0x10",
                                        "nan",
                                        "inf",
                                        "1e999",
                                        "true",
                                        "false",
                                        "True",
                                        "null",
                                        "~",
                                        "yes",
                                        "a b",
                                        "[1]",
                                        "{a: b}",
                                        "a: b",
                                        "# a",
                                        "ünï",
                                        "\n",
                                        "\"",
                                        "y",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "-9223372036854775808",
                                        "-9223372036854775809",
                                        "18446744073709551616",
                                        "0.1000000000000000055511151231257827"};
    enum { N = sizeof texts / sizeof *texts };
    const char *changes[N][2];
    for (size_t i = 0; i < N; i++)
        changes[i][0] = texts[i], changes[i][1] = texts[N - 1 - i];
    Trireme__Proposal *message = proposal(changes, N);
    for (int form = 0; form < 4; form++) {
        struct err err = {.text = ""};
        char *text = form < 2    ? yaml_write(message, form == 1)
                     : form == 2 ? json_write(message)
                                 : json_write_pretty(message);
        Trireme__Proposal *back = message_new(&trireme__proposal__descriptor);
        if ((form < 2 ? yaml_read : json_read)(back, text, strlen(text), "written", ERR_USAGE,
                                               &err) != 0)
            fail_msg("%s in\n%s", err.text, text);
        assert_int_equal(back->n_patch, N);
        for (size_t i = 0; i < N; i++) {
            assert_string_equal(back->patch[i]->path, changes[i][0]);
            assert_string_equal(back->patch[i]->value, changes[i][1]);
        }
        message_free(back);
        free(text);
    }
    message_free(message);
}

static void scalars_of_any_kind_become_text(void **state)
{
    (void)state;
    Trireme__Proposal *message =
        fixture_read(&trireme__proposal__descriptor,
                     "patch: {a: 5e-4, b: '5', c: true, d: word, e: -3, \"f\": \"\"}");
    static const char *const values[] = {"5e-4", "5", "true", "word", "-3", ""};
    assert_int_equal(message->n_patch, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(message->patch[i]->value, values[i]);
    struct err err = {.text = ""};
    static const char json[] =
        "{\"patch\": {\"a\": 5e-4, \"b\": 1.0, \"c\": false, \"d\": \"word\", \"e\": 32}}";
    static const char *const read[] = {"0.0005", "1.0", "false", "word", "32"};
    assert_int_equal(json_read(message, json, strlen(json), "x", ERR_USAGE, &err), 0);
    assert_int_equal(message->n_patch, 5); // replaced whole
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(message->patch[i]->value, read[i]);
    assert_int_equal(json_read(message, "{\"patch\": null}", 15, "x", ERR_USAGE, &err), 0);
    assert_int_equal(message->n_patch, 0);
    message_free(message);
}

static void assert_refused(const char *yaml, const char *sentence)
{
    struct err err = {.text = ""};
    static const char *const kept[][2] = {
        {"a", "1"}
    };
    Trireme__Proposal *message = proposal(kept, 1);
    assert_int_equal(yaml_read(message, yaml, strlen(yaml), "p.yaml", ERR_USAGE, &err), -1);
    assert_string_equal(err.text, sentence);
    assert_int_equal(message->n_patch, 1);
    message_free(message);
}

static void what_is_no_map_of_scalars_is_refused(void **state)
{
    (void)state;
    assert_refused("patch:\n  a: [1]\n",
                   "p.yaml:2: patch.a: found a list, expected a number, true, false or text");
    assert_refused(
        "patch:\n  a: {b: 1}\n",
        "p.yaml:2: patch.a: found keys and values, expected a number, true, false or text");
    assert_refused("patch:\n  a:\n",
                   "p.yaml:2: patch.a: found nothing, expected a number, true, false or text");
    assert_refused("patch: [{path: a, value: 1}]",
                   "p.yaml:1: patch: found a list, expected keys and values");
    assert_refused("patch: a", "p.yaml:1: patch: found one value, expected keys and values");
    assert_refused(
        "patch:\n  a: 1\n  b: 2\n  a: 3\n",
        "p.yaml:4: patch.a: found a second time, expected once (the first is on line 2)");
    struct err err = {.text = ""};
    Trireme__Proposal *message = message_new(&trireme__proposal__descriptor);
    static const char json[] = "{\"patch\":{\"a\":1,\"a\":1}}";
    assert_int_equal(json_read(message, json, strlen(json), "p.json", ERR_DATA, &err), -1);
    assert_contains(err.text, "p.json:1: not JSON: duplicate object key");
    message_free(message);
}

enum { MANY = 100000, AGAIN = 1000 };

/* A patch of many keys, each on a line of its own. Behind the first AGAIN keys, those of `twice`
 * come a second time. The caller's. */
static char *many(bool json, const unsigned *twice, size_t n_twice)
{
    struct text text = {0};
    text_add(&text, json ? "{\"patch\": {\n" : "patch:\n");
    for (unsigned i = 0; i < MANY + n_twice; i++) {
        unsigned key = i < AGAIN             ? i
                       : i < AGAIN + n_twice ? twice[i - AGAIN]
                                             : i - (unsigned)n_twice;
        if (json)
            text_printf(&text, "%s\"a%u\": %u", i ? ",\n" : "", key, i);
        else
            text_printf(&text, "  a%u: %u\n", key, i);
    }
    text_add(&text, json ? "\n}}\n" : "");
    return text_take(&text);
}

static void a_map_of_many_keys_is_read_whole_and_in_its_order(void **state)
{
    (void)state;
    for (int json = 0; json < 2; json++) {
        struct err err = {.text = ""};
        Trireme__Proposal *message = message_new(&trireme__proposal__descriptor);
        char *text = many(json, NULL, 0);
        if ((json ? json_read : yaml_read)(message, text, strlen(text), "many", ERR_USAGE, &err) !=
            0)
            fail_msg("%s", err.text);
        assert_int_equal(message->n_patch, MANY);
        for (unsigned i = 0; i < MANY; i++) {
            char path[16], value[16];
            snprintf(path, sizeof path, "a%u", i);
            snprintf(value, sizeof value, "%u", i);
            if (strcmp(message->patch[i]->path, path) != 0 ||
                strcmp(message->patch[i]->value, value) != 0)
                fail_msg("%u: found %s: %s", i, message->patch[i]->path, message->patch[i]->value);
        }
        free(text);
        message_free(message);
    }
}

static void of_many_keys_the_first_that_comes_a_second_time_is_named(void **state)
{
    (void)state;
    // neither the first one by its line nor by its name
    static const unsigned twice[] = {777, 5, 777};
    struct err err = {.text = ""};
    Trireme__Proposal *message = message_new(&trireme__proposal__descriptor);
    char *yaml = many(false, twice, 3), *json = many(true, twice, 3);
    assert_int_equal(yaml_read(message, yaml, strlen(yaml), "p.yaml", ERR_USAGE, &err), -1);
    assert_string_equal(
        err.text,
        "p.yaml:1002: patch.a777: found a second time, expected once (the first is on line 779)");
    assert_int_equal(json_read(message, json, strlen(json), "p.json", ERR_USAGE, &err), -1);
    assert_contains(err.text, "p.json:1002: not JSON: duplicate object key");
    assert_contains(err.text, "a777");
    assert_int_equal(message->n_patch, 0);
    free(yaml);
    free(json);
    message_free(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_is_an_object_in_json_and_yaml),
        cmocka_unit_test(every_key_and_value_reads_back_as_it_is_spelled),
        cmocka_unit_test(scalars_of_any_kind_become_text),
        cmocka_unit_test(what_is_no_map_of_scalars_is_refused),
        cmocka_unit_test(a_map_of_many_keys_is_read_whole_and_in_its_order),
        cmocka_unit_test(of_many_keys_the_first_that_comes_a_second_time_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
