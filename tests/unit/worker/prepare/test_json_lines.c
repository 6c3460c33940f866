#include "tests/unit/worker/data/data_fixture.h"

#include "base/file.h"
#include "base/text.h"
#include "proto/schema/message.h"
#include "worker/prepare/json_lines.h"
#include "worker/prepare/prepare.h"
#include "worker/data/token_file.h"

/* Writes what it is given as NUMBER:TEXT|. */
static int take(void *context, uint64_t line, const unsigned char *bytes, size_t n, struct err *err)
{
    (void)err;
    text_printf(context, "%d:%.*s|", (int)line, (int)n, (const char *)bytes);
    return 0;
}

/* Adds a text in pieces of so many bytes. */
static int add_in_pieces(struct text *out, const char *text, size_t piece, struct err *err)
{
    struct json_lines lines = {.path = "a.jsonl", .field = "text"};
    int rc = 0;
    for (size_t at = 0, size = strlen(text); at < size && rc == 0; at += piece)
        rc = json_lines_add(&lines, (const unsigned char *)text + at,
                            size - at < piece ? size - at : piece, take, out, err);
    if (rc == 0)
        rc = json_lines_add(&lines, (const unsigned char *)"", 0, take, out, err);
    json_lines_clear(&lines);
    return rc;
}

static void each_line_is_the_text_of_its_field_however_the_bytes_come(void **state)
{
    (void)state;
    const char text[] = "{\"text\": \"one\", \"id\": 1}\n"
                        "{\"id\": [2, {\"text\": \"no\"}], \"text\": \"t\\u00e4\\n\\\"o\\\"\"}\r\n"
                        "\n  \n"
                        "{\"text\": \"\"}\n"
                        "{\"text\": \"18446744073709551615\"}\n"
                        "{\"text\": \"last\"}";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct err err;
        struct text out = {0};
        if (add_in_pieces(&out, text, piece, &err) < 0)
            fail_msg("%s", err.text);
        assert_string_equal(out.bytes,
                            "1:one|2:t\xc3\xa4\n\"o\"|5:|6:18446744073709551615|7:last|");
        text_clear(&out);
    }
}

static void a_bad_line_is_refused_with_file_and_number(void **state)
{
    (void)state;
    const struct {
        const char *line, *sentence;
    } cases[] = {
        {"{\"text\": \"a\"",        "a.jsonl: line 2:1: not JSON: "                       },
        {"text",                    "a.jsonl: line 2:1: not JSON: "                       },
        {"{\"text\": \"\\ud800\"}", "a.jsonl: line 2:1: not JSON: "                       },
        {"{\"text\": \"\xff\"}",    "a.jsonl: line 2:1: not JSON: "                       },
        {"[\"text\"]",              "a.jsonl: line 2: found no JSON object, expected one" },
        {"{\"texts\": \"a\"}",      "a.jsonl: line 2: found no field 'text', expected it" },
        {"{\"text\": 7}",           "a.jsonl: line 2: field 'text': found 7, expected te" },
        {"{\"text\": null}",        "line 2: field 'text': found null, expected text"     },
        {"{\"text\": [\"a\"]}",     "line 2: field 'text': found a list, expected text"   },
        {"{\"text\": {}}",          "line 2: field 'text': found an object, expected text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int end = 0; end < 2; end++) { // also as the last line without a line end
            struct err err = {0};
            struct text out = {0};
            char *text = mem_format("{\"text\": \"first\"}\n%s%s", cases[i].line, end ? "" : "\n");
            assert_int_equal(add_in_pieces(&out, text, 1000, &err), -1);
            assert_int_equal(err.code, ERR_DATA);
            assert_contains(err.text, cases[i].sentence);
            free(text);
            text_clear(&out);
        }
}

static void files_of_json_lines_are_known_by_their_names(void **state)
{
    (void)state;
    const char *yes[] = {"a.jsonl", "x/a.json", "a.jsonl.gz", "a.json.zst"};
    const char *no[] = {"a.txt", "a.jsonl.txt", "json", "a.gz", "x.json/a"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(json_lines_named(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(json_lines_named(no[i]));
}

/* Prepares folder/in into folder/out. */
static int prepare_in(const char *folder, const char *field, Trireme__DataSet *set,
                      struct text *notes, struct err *err)
{
    char *in = file_join(folder, "in"), *out = file_join(folder, "out");
    Trireme__DataPrepareRequest request = TRIREME__DATA_PREPARE_REQUEST__INIT;
    request.input = &in;
    request.n_input = 1;
    request.out = out;
    request.field = (char *)field;
    int rc = prepare(&request, set, notes, NULL, err);
    free(out);
    free(in);
    return rc;
}

static char *train_of(const char *folder)
{
    struct err err;
    struct token_file file;
    char *path = mem_format("%s/out/train_000000.bin", folder);
    if (token_file_open(&file, path, TRIREME__SOURCE__FORMAT__llmc, &err) < 0)
        fail_msg("%s", err.text);
    char *bytes = mem_new(file.n_tokens + 1, 1);
    for (size_t i = 0; i < file.n_tokens; i++) {
        int32_t token;
        assert_int_equal(token_file_read(&file, &token, i, 1, 256, &err), 0);
        bytes[i] = (char)token;
    }
    token_file_close(&file);
    free(path);
    return bytes;
}

static void write_in(const char *folder, const char *name, const char *text)
{
    char *in = file_join(folder, "in");
    must_write_in(in, name, text, strlen(text));
    free(in);
}

/* By path, then by line; the first of equals is kept, wherever it stands. */
static void lines_and_files_are_documents_of_one_text(void **state)
{
    struct err err;
    struct text notes = {0};
    Trireme__DataSet *set = message_new(&trireme__data_set__descriptor);
    write_in(*state, "b.jsonl",
             "{\"text\": \"one \"}\n{\"text\": \"two \"}\n{\"text\": \"\"}\n"
             "{\"text\": \"one \"}\n{\"text\": \"three \"}\n");
    write_in(*state, "a.txt", "two ");
    write_in(*state, "c.txt", "{\"text\": \"as it is\"}\n");
    if (prepare_in(*state, "text", set, &notes, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(set->documents, 4);
    assert_int_equal(set->duplicates, 2);
    char *train = train_of(*state);
    assert_string_equal(train, "two one three {\"text\": \"as it is\"}\n");
    assert_contains(notes.bytes, "left out 1 files and lines: 1 empty, 0 unreadable\n");
    free(train);
    text_clear(&notes);
    message_free(set);
}

static void without_a_field_a_file_of_json_is_text(void **state)
{
    struct err err;
    Trireme__DataSet *set = message_new(&trireme__data_set__descriptor);
    write_in(*state, "b.jsonl", "{\"text\": \"one\"}\n");
    assert_int_equal(prepare_in(*state, NULL, set, NULL, &err), 0);
    char *train = train_of(*state);
    assert_string_equal(train, "{\"text\": \"one\"}\n");
    free(train);
    message_free(set);
}

static void a_bad_line_ends_preparing_and_leaves_nothing(void **state)
{
    struct err err;
    Trireme__DataSet *set = message_new(&trireme__data_set__descriptor);
    write_in(*state, "a.jsonl", "{\"text\": \"one\"}\n{\"text\": \"two\"\n");
    assert_int_equal(prepare_in(*state, "text", set, NULL, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "in/a.jsonl: line 2:1: not JSON");
    size_t n;
    char **names = file_names(*state, &n, ERR_USAGE, &err);
    assert_int_equal(n, 1); // the input
    file_names_free(names);
    message_free(set);
}

static void a_field_without_a_file_of_json_lines_is_refused(void **state)
{
    struct err err;
    Trireme__DataSet *set = message_new(&trireme__data_set__descriptor);
    write_in(*state, "a.txt", "text");
    assert_int_equal(prepare_in(*state, "text", set, NULL, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "--field text: found no file of JSON lines");
    message_free(set);
}

/* Each of 150 lines is held out or not as the same document in a file of its own is. */
static void lines_are_held_out_as_files_are(void **state)
{
    enum { N = 150 };
    struct err err;
    struct text lines = {0};
    char *folder = file_join(*state, "files"), *in = file_join(folder, "in");
    for (int i = 0; i < N; i++) {
        char *name = mem_format("%03d.txt", i), *text = mem_format("<%03d> some document", i);
        text_printf(&lines, "{\"text\": \"%s\"}\n", text);
        must_write_in(in, name, text, strlen(text));
        free(text);
        free(name);
    }
    write_in(*state, "a.jsonl", lines.bytes);
    Trireme__DataSet *a = message_new(&trireme__data_set__descriptor),
                     *b = message_new(&trireme__data_set__descriptor);
    assert_int_equal(prepare_in(*state, "text", a, NULL, &err), 0);
    assert_int_equal(prepare_in(folder, NULL, b, NULL, &err), 0);
    assert_int_equal(a->documents, N);
    assert_string_equal(a->train->digest, b->train->digest);
    assert_string_equal(a->val->digest, b->val->digest);
    message_free(a);
    message_free(b);
    text_clear(&lines);
    free(in);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_the_text_of_its_field_however_the_bytes_come),
        cmocka_unit_test(a_bad_line_is_refused_with_file_and_number),
        cmocka_unit_test(files_of_json_lines_are_known_by_their_names),
        test_in_folder(lines_and_files_are_documents_of_one_text),
        test_in_folder(without_a_field_a_file_of_json_is_text),
        test_in_folder(a_bad_line_ends_preparing_and_leaves_nothing),
        test_in_folder(a_field_without_a_file_of_json_lines_is_refused),
        test_in_folder(lines_are_held_out_as_files_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
