/* Texts and bytes damaged at random, from a fixed seed: they may be refused, but nothing crashes,
 * and no message is changed in part. */
#include "tests/unit/proto/schema/schema_fixture.h"

#include "base/random.h"
#include "base/text.h"
#include "proto/schema/write.h"

enum { ROUNDS = 3000 };

static uint64_t draws;

static size_t draw(size_t below)
{
    return random_u64(20240501, draws++) % below;
}

/* A copy of the text with a few bytes changed, dropped, doubled or cut off. */
static struct text damage(const char *text, size_t size)
{
    static const char *const pieces[] = {
        "[", "]", "{", "}",    ":",    ": ", ",", "\n", "  ", "- ",   "\"", "'",  "#", "&a", "*a",
        "!", "|", ">", "\xff", "\xc3", "0",  "-", "e9", ".",  "null", "~",  "\t", "%", "\\"};
    struct text out = {0};
    text_add_bytes(&out, text, size);
    for (size_t n = 1 + draw(4); n > 0 && out.size > 1; n--) {
        size_t at = draw(out.size), length = 1 + draw(12);
        if (length > out.size - at)
            length = out.size - at;
        struct text next = {0};
        text_add_bytes(&next, out.bytes, at);
        size_t kind = draw(5);
        if (kind == 0) {
            char byte = (char)draw(256);
            text_add_bytes(&next, &byte, 1);
        } else if (kind == 1) {
            text_add(&next, pieces[draw(sizeof pieces / sizeof *pieces)]);
        } else if (kind == 2) {
            text_add_bytes(&next, out.bytes + at, length);
        }
        if (kind != 4 || draw(4))
            text_add_bytes(&next, out.bytes + at + (kind == 3 ? length : kind == 0),
                           out.size - at - (kind == 3 ? length : kind == 0));
        text_clear(&out);
        out = next;
    }
    return out;
}

typedef int (*read_fn)(void *message, const char *text, size_t size, const char *where,
                       enum err_code code, struct err *err);

/* Reads damaged copies of the text: each is refused with a sentence and no trace, or gives a
 * message that keeps its bounds and can be written and read back. */
static size_t read_damaged(read_fn read, char *text)
{
    size_t refused = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        struct err err = {.text = ""};
        struct text bad = damage(text, strlen(text));
        Trireme__Config *run = fixture_config(), *before = fixture_config();
        if (read(run, bad.bytes ? bad.bytes : "", bad.size, "bad", ERR_USAGE, &err) != 0) {
            assert_true(message_equal(run, before));
            assert_true(err.text[0] && !strchr(err.text, '\n'));
            refused++;
        } else {
            assert_int_equal(message_check(run, "bad", &err), 0);
            char *yaml = yaml_write(run, false);
            if (yaml_read(before, yaml, strlen(yaml), "back", ERR_USAGE, &err) != 0)
                fail_msg("%s in\n%s", err.text, yaml);
            free(yaml);
        }
        message_free(run);
        message_free(before);
        text_clear(&bad);
    }
    free(text);
    return refused;
}

static void damaged_yaml_is_refused_without_a_trace_or_read(void **state)
{
    (void)state;
    Trireme__Config *run = fixture_config();
    size_t refused = read_damaged(yaml_read, yaml_write(run, false));
    assert_in_range(refused, ROUNDS / 4, ROUNDS - 1);
    message_free(run);
}

static void damaged_json_is_refused_without_a_trace_or_read(void **state)
{
    (void)state;
    Trireme__Config *run = fixture_config();
    size_t refused = read_damaged(json_read, json_write_pretty(run));
    assert_in_range(refused, ROUNDS / 4, ROUNDS - 1);
    message_free(run);
}

static void damaged_settings_are_refused_without_a_trace_or_set(void **state)
{
    (void)state;
    static const char *const settings[] = {"optimizer.lr=5e-4",
                                           "data.sources.2={name: a, weight: 2}",
                                           "data={order: shuffled, sources: [{}]}",
                                           "data.sources.0.path=a/b", "train={batch: 8, steps: 9}"};
    for (size_t i = 0; i < ROUNDS; i++) {
        const char *setting = settings[draw(sizeof settings / sizeof *settings)];
        struct err err = {.text = ""};
        struct text bad = damage(setting, strlen(setting));
        text_add(&bad, "");
        Trireme__Config *run = fixture_config(), *before = fixture_config();
        if (message_set(run, bad.bytes, "--set", &err) != 0)
            assert_true(message_equal(run, before) && err.text[0]);
        else
            assert_int_equal(message_check(run, "bad", &err), 0);
        message_free(run);
        message_free(before);
        text_clear(&bad);
    }
}

static void damaged_wire_bytes_are_refused_or_unpacked_whole(void **state)
{
    (void)state;
    Trireme__Manifest *manifest = fixture_manifest();
    size_t size;
    unsigned char *bytes = message_pack(manifest, &size);
    for (size_t i = 0; i < ROUNDS; i++) {
        struct err err = {.text = ""};
        struct text bad = damage((char *)bytes, size);
        void *back = message_unpack(&trireme__manifest__descriptor, bad.bytes, bad.size, &err);
        assert_true(back || err.text[0]);
        if (back) {
            char *json = json_write(back); // goes to every field
            free(json);
        }
        message_free(back);
        text_clear(&bad);
    }
    free(bytes);
    message_free(manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_yaml_is_refused_without_a_trace_or_read),
        cmocka_unit_test(damaged_json_is_refused_without_a_trace_or_read),
        cmocka_unit_test(damaged_settings_are_refused_without_a_trace_or_set),
        cmocka_unit_test(damaged_wire_bytes_are_refused_or_unpacked_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
