/* One message of JSON-RPC: what is one, what is refused by which code, what replies look like. */
#include "tests/unit/support.h"

#include "base/mem.h"
#include "base/text.h"
#include "launcher/mcp/jsonrpc.h"
#include "proto/schema/node.h"

static void a_request_has_its_method_params_and_id_as_it_came(void **state)
{
    (void)state;
    struct jsonrpc m;
    struct err err;
    enum jsonrpc_code code;
    static const char *const ids[][2] = {
        {"7",          "7"         },
        {"-3",         "-3"        },
        {"\"a\\\"b\"", "\"a\\\"b\""},
        {"\"7\"",      "\"7\""     },
        {"0",          "0"         }
    };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char *text = mem_format(
            "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\",\"params\":{\"a\":1}}", ids[i][0]);
        assert_int_equal(jsonrpc_read(&m, &code, text, strlen(text), &err), 0);
        assert_string_equal(m.id, ids[i][1]);
        assert_string_equal(m.method, "ping");
        assert_string_equal(node_get(m.params, "a")->text, "1");
        jsonrpc_clear(&m);
        free(text);
    }
}

static void a_notification_has_no_id_and_a_response_no_method(void **state)
{
    (void)state;
    struct jsonrpc m;
    struct err err;
    enum jsonrpc_code code;
    static const char note[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
                      response[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}";
    assert_int_equal(jsonrpc_read(&m, &code, note, strlen(note), &err), 0);
    assert_null(m.id);
    assert_non_null(m.method);
    assert_null(m.params);
    jsonrpc_clear(&m);
    assert_int_equal(jsonrpc_read(&m, &code, response, strlen(response), &err), 0);
    assert_null(m.method);
    jsonrpc_clear(&m);
}

static void refuses(const char *text, size_t size, enum jsonrpc_code expected, const char *part)
{
    struct jsonrpc m;
    struct err err = {.text = ""};
    enum jsonrpc_code code = JSONRPC_OK;
    assert_int_equal(jsonrpc_read(&m, &code, text, size, &err), -1);
    assert_int_equal(code, expected);
    assert_contains(err.text, part);
    jsonrpc_clear(&m);
}

static void what_is_no_message_is_refused_by_the_code_that_says_why(void **state)
{
    (void)state;
    // clang-format off
    static const struct { const char *text; enum jsonrpc_code code; const char *part; } bad[] = {
        {"{",                                                  JSONRPC_NO_JSON,    "not JSON"},
        {"",                                                   JSONRPC_NO_JSON,    "not JSON"},
        {"{\"a\":1,\"a\":2}",                                  JSONRPC_NO_JSON,    "not JSON"},
        {"\"x\"",                                              JSONRPC_NO_JSON,    "not JSON"},
        {"[]",                                                 JSONRPC_NO_REQUEST, "list"},
        {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\"}]",  JSONRPC_NO_REQUEST, "list"},
        {"{}",                                                 JSONRPC_NO_REQUEST, "jsonrpc"},
        {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"p\"}",    JSONRPC_NO_REQUEST, "jsonrpc"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}",                     JSONRPC_NO_REQUEST, "method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":2}",        JSONRPC_NO_REQUEST, "method"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"p\"}", JSONRPC_NO_REQUEST, "id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"p\"}",  JSONRPC_NO_REQUEST, "id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"p\"}",   JSONRPC_NO_REQUEST, "id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"p\"}", JSONRPC_NO_REQUEST, "id"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\",\"params\":[1]}",
         JSONRPC_BAD_PARAMS, "params"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuses(bad[i].text, strlen(bad[i].text), bad[i].code, bad[i].part);
    refuses("\"\xff\"", 3, JSONRPC_NO_JSON, "not JSON");
    refuses("{}\0{}", 5, JSONRPC_NO_JSON, "not JSON");
}

static void a_message_that_is_too_deep_or_too_long_is_refused(void **state)
{
    (void)state;
    struct text text = {0};
    text_add(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\",\"params\":{\"a\":");
    for (int i = 0; i < 1000; i++)
        text_add(&text, "[");
    for (int i = 0; i < 1000; i++)
        text_add(&text, "]");
    text_add(&text, "}}");
    refuses(text.bytes, text.size, JSONRPC_NO_JSON, "levels");
    while (text.size <= JSONRPC_BYTES_MAX)
        text_add(&text, "                                                                ");
    refuses(text.bytes, text.size, JSONRPC_NO_REQUEST, "bytes");
    text_clear(&text);
}

static void the_id_of_a_message_that_is_wrong_otherwise_is_kept(void **state)
{
    (void)state;
    struct jsonrpc m;
    struct err err;
    enum jsonrpc_code code;
    static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":[]}";
    assert_int_equal(jsonrpc_read(&m, &code, text, strlen(text), &err), -1);
    assert_string_equal(m.id, "\"x\"");
    jsonrpc_clear(&m);
}

static void replies_are_one_line_with_result_or_error(void **state)
{
    (void)state;
    char *result = jsonrpc_result("7", "{\"a\":1}"),
         *error = jsonrpc_error(NULL, JSONRPC_NO_JSON, "a \"b\"\n", NULL),
         *data = jsonrpc_error("\"x\"", -32022, "c", "{\"d\":[]}");
    assert_string_equal(result, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"a\":1}}");
    assert_string_equal(error, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,"
                               "\"message\":\"a \\\"b\\\"\\n\"}}");
    assert_string_equal(data, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":{\"code\":-32022,"
                              "\"message\":\"c\",\"data\":{\"d\":[]}}}");
    free(result);
    free(error);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_its_method_params_and_id_as_it_came),
        cmocka_unit_test(a_notification_has_no_id_and_a_response_no_method),
        cmocka_unit_test(what_is_no_message_is_refused_by_the_code_that_says_why),
        cmocka_unit_test(a_message_that_is_too_deep_or_too_long_is_refused),
        cmocka_unit_test(the_id_of_a_message_that_is_wrong_otherwise_is_kept),
        cmocka_unit_test(replies_are_one_line_with_result_or_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
