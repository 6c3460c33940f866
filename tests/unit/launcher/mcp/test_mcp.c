/* Exchanges of both eras with a table of two commands: the bytes that come back. */
#include "tests/unit/support.h"

#include "base/mem.h"
#include "launcher/mcp/calls.h"
#include "launcher/mcp/no_path.h"

#include "command.pb-c.h"
#include "planner.pb-c.h"

#define META                                                                                       \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                       \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define INFO                                                                                       \
    "\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"trireme\","                     \
    "\"version\":\"0.1.0\"}}"
#define CALL(id, name, arguments, more)                                                            \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"" name    \
    "\",\"arguments\":" arguments more "}}"
#define REQUEST(method, params)                                                                    \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":{" params "}}"

/* Shows the request that it was called with. */
static int show(const void *request, void *reply, struct err *err)
{
    const Trireme__ProposalsShowRequest *r = request;
    Trireme__ProposalsShowReply *out = reply;
    if (r->number == 13)
        return err_set(err, ERR_USAGE, "%s/ledger.jsonl: found no proposal 13, see /etc/passwd",
                       r->run);
    if (r->number == 14)
        for (;;)
            ;
    if (r->number == 15)
        abort();
    out->has_number = true, out->number = r->number;
    out->by = mem_strdup(r->run);
    if (r->number == 16) {
        free(out->by);
        out->by = mem_new((2 << 20) + 1, 1);
        memset(out->by, 'x', 2 << 20);
    }
    out->reason = mem_strdup("private");
    return 0;
}

static int propose(const void *request, void *reply, struct err *err)
{
    const Trireme__ProposeRequest *r = request;
    (void)err;
    ((Trireme__Answer *)reply)->text =
        mem_strdup(r->as == TRIREME__AS__planner ? "planner" : "person");
    return 0;
}

static int list(const void *request, void *reply, struct err *err)
{
    (void)request, (void)err;
    ((Trireme__LedgerVerifyReply *)reply)->head = mem_strdup("abc");
    return 0;
}

#define ROW(words, noun, reply, run, kind, tool)                                                   \
    {                                                                                              \
        words, &trireme__##noun##_request__descriptor, &trireme__##reply##__descriptor, run, NULL, \
            NULL, kind, tool                                                                       \
    }
static const struct command table[] = {
    ROW("proposals show", proposals_show, proposals_show_reply, show, COMMAND_ALONE, TOOL_READ),
    ROW("ledger verify", ledger_verify, ledger_verify_reply, list, COMMAND_ALONE, TOOL_READ),
    ROW("propose", propose, answer, propose, COMMAND_ALONE, TOOL_PROPOSE),
    ROW("doctor", doctor, doctor_reply, list, COMMAND_REPORTS, TOOL_NONE),
};

static struct mcp_server server_of(enum tool_role role)
{
    return (struct mcp_server){table, sizeof table / sizeof *table, "/runs/a b", role};
}

/* The reply to a message; a call is run at once. NULL: none. */
static char *reply_to(enum tool_role role, const struct mcp_headers *headers, const char *text,
                      int *status)
{
    const struct mcp_server server = server_of(role);
    struct mcp_answer answer;
    mcp_read(&answer, &server, headers, text, strlen(text));
    if (status)
        *status = answer.status;
    char *reply = answer.call ? mcp_call_run(&server, answer.call) : mem_strdup(answer.reply);
    mcp_answer_clear(&answer);
    return reply;
}

static void assert_reply(enum tool_role role, const char *text, const char *expected)
{
    char *reply = reply_to(role, NULL, text, NULL);
    if (expected)
        assert_string_equal(reply, expected);
    else
        assert_null(reply);
    free(reply);
}

static void assert_part(enum tool_role role, const char *text, const char *part)
{
    char *reply = reply_to(role, NULL, text, NULL);
    assert_contains(reply, part);
    free(reply);
}

static void assert_status(const struct mcp_headers *headers, const char *text, int expected,
                          const char *part)
{
    int status;
    char *reply = reply_to(TOOL_READ, headers, text, &status);
    if (status != expected)
        fail_msg("%s: found status %d, expected %d: %s", text, status, expected, reply);
    if (part)
        assert_contains(reply, part);
    free(reply);
}

static void initialize_answers_with_the_clients_revision_or_the_newest_legacy_one(void **state)
{
    (void)state;
    assert_part(TOOL_READ, REQUEST("initialize", "\"protocolVersion\":\"2024-11-05\""),
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2024-11-05\","
                "\"capabilities\":{\"tools\":{},\"resources\":{},\"prompts\":{}},"
                "\"serverInfo\":{\"name\":\"trireme\",\"version\":\"0.1.0\"},\"instructions\":\"");
    assert_part(TOOL_READ, REQUEST("initialize", "\"protocolVersion\":\"2026-07-28\""),
                "\"protocolVersion\":\"2025-11-25\"");
    assert_part(TOOL_READ, REQUEST("initialize", ""), "-32602");
    assert_reply(TOOL_READ, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", NULL);
    assert_reply(TOOL_READ, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", NULL);
    assert_reply(TOOL_READ, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
}

static void discover_answers_with_what_there_is_and_how_long_it_may_be_kept(void **state)
{
    (void)state;
    assert_part(TOOL_READ, REQUEST("server/discover", META),
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\","
                "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{},"
                "\"resources\":{},\"prompts\":{}},\"instructions\":\"");
    assert_part(TOOL_READ, REQUEST("server/discover", META),
                ",\"ttlMs\":60000,\"cacheScope\":\"private\"," INFO "}}");
}

static void a_modern_request_says_its_revision_and_what_the_client_can(void **state)
{
    (void)state;
    assert_part(TOOL_READ, REQUEST("server/discover", ""), "\"code\":-32602");
    assert_part(TOOL_READ,
                REQUEST("tools/list",
                        "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}"),
                "clientCapabilities");
    assert_part(TOOL_READ,
                REQUEST("tools/list",
                        "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2030-01-01\","
                        "\"io.modelcontextprotocol/clientCapabilities\":{}}"),
                "\"error\":{\"code\":-32022,\"message\":\"found a revision that this server does "
                "not speak\",\"data\":{\"supported\":[\"2026-07-28\"],\"requested\":"
                "\"2030-01-01\"}}");
}

static void each_era_has_methods_that_the_other_has_not(void **state)
{
    (void)state;
    assert_part(TOOL_READ, REQUEST("ping", META), "\"code\":-32601");
    assert_part(TOOL_READ, REQUEST("initialize", META), "\"code\":-32601");
    assert_part(TOOL_READ, REQUEST("logging/setLevel", ""), "\"code\":-32601");
    assert_part(TOOL_READ, REQUEST("resources/subscribe", ""), "\"code\":-32601");
}

static void tools_are_listed_for_the_role_and_carry_hints_of_it(void **state)
{
    (void)state;
    char *read = reply_to(TOOL_READ, NULL, REQUEST("tools/list", META), NULL),
         *propose_too = reply_to(TOOL_PROPOSE, NULL, REQUEST("tools/list", ""), NULL);
    assert_contains(read, "\"tools\":[{\"name\":\"proposals_show\",\"title\":");
    assert_contains(read, "\"inputSchema\":{\"description\":\"Prints everything about one "
                          "proposal.\",\"type\":\"object\",\"properties\":{\"number\":{");
    assert_contains(read, "\"required\":[\"number\"],\"additionalProperties\":false}");
    assert_contains(read, "\"annotations\":{\"readOnlyHint\":true,\"destructiveHint\":false,"
                          "\"idempotentHint\":true,\"openWorldHint\":false}");
    assert_contains(read, "],\"ttlMs\":60000,\"cacheScope\":\"private\"," INFO "}}");
    assert_null(strstr(read, "\"propose\""));
    assert_null(strstr(read, "doctor"));
    assert_null(strstr(read, "\"trunk_loss\""));
    assert_contains(propose_too, "{\"name\":\"propose\"");
    assert_contains(propose_too, "\"annotations\":{\"readOnlyHint\":false,\"destructiveHint\":"
                                 "false,\"idempotentHint\":false,\"openWorldHint\":false}");
    assert_null(strstr(propose_too, "\"as\""));
    assert_null(strstr(propose_too, "ttlMs"));
    free(read);
    free(propose_too);
}

static void a_call_replies_with_the_commands_json_as_text_and_as_structure(void **state)
{
    (void)state;
    assert_part(TOOL_APPROVE, CALL("7", "ledger_verify", "{}", ",") + 0, "-32700");
    assert_reply(TOOL_READ, CALL("\"a\"", "ledger_verify", "{}", ""),
                 "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{\"content\":[{\"type\":\"text\","
                 "\"text\":\"{\\\"head\\\":\\\"abc\\\"}\"}],\"structuredContent\":{\"head\":"
                 "\"abc\"},\"isError\":false}}");
    assert_reply(TOOL_READ, CALL("7", "ledger_verify", "{}", "," META),
                 "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"complete\","
                 "\"content\":[{\"type\":\"text\",\"text\":\"{\\\"head\\\":\\\"abc\\\"}\"}],"
                 "\"structuredContent\":{\"head\":\"abc\"},\"isError\":false," INFO "}}");
}

static void private_fields_and_the_runs_path_are_for_who_may_approve(void **state)
{
    (void)state;
    char *read = reply_to(TOOL_READ, NULL, CALL("1", "proposals_show", "{\"number\":3}", ""), NULL),
         *all =
             reply_to(TOOL_APPROVE, NULL, CALL("1", "proposals_show", "{\"number\":3}", ""), NULL);
    assert_null(strstr(read, "private"));
    assert_null(strstr(read, "/runs/a b"));
    assert_contains(read, "\"by\":\"RUN\"");
    assert_contains(all, "\"reason\":\"private\"");
    assert_contains(all, "\"by\":\"/runs/a b\"");
    free(read);
    free(all);
    char *error =
        reply_to(TOOL_READ, NULL, CALL("1", "proposals_show", "{\"number\":13}", ""), NULL);
    assert_contains(error, "RUN/ledger.jsonl: found no proposal 13, see PATH\"}],\"isError\":true");
    free(error);
}

static void a_wrong_argument_is_a_result_with_a_sentence_and_an_unknown_tool_an_error(void **state)
{
    (void)state;
    // clang-format off
    static const struct { const char *call, *part; } wrong[] = {
        {CALL("1", "proposals_show", "{\"number\":0}", ""),
         "proposals_show: number: found '0', expected"},
        {CALL("1", "proposals_show", "{\"number\":\"x\"}", ""), "number: found"},
        {CALL("1", "proposals_show", "{\"number\":1.5}", ""), "number: found '1.5', expected"},
        {CALL("1", "proposals_show", "{}", ""),
         "found no number, which is needed: Number of the proposal."},
        {CALL("1", "proposals_show", "{\"numbr\":1}", ""),
         "no argument 'numbr', expected one of number (did you mean number?)"},
        {CALL("1", "proposals_show", "{\"number\":1,\"run\":\"/x\"}", ""), "no argument 'run'"},
        {CALL("1", "proposals_show", "[]", ""), "expected an object"},
        {CALL("1", "propose", "{\"why\":\"x\",\"as\":\"person\"}", ""), "no argument 'as'"},
        {CALL("1", "ledger_verify", "{\"a\":1}", ""), "found no argument 'a', expected none"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_part(TOOL_PROPOSE, wrong[i].call, wrong[i].part);
        assert_part(TOOL_PROPOSE, wrong[i].call, "\"isError\":true");
    }
    static const char *const unknown[] = {
        CALL("1", "nothing", "{}", ""), CALL("1", "doctor", "{}", ""),
        CALL("1", "propose", "{\"why\":\"x\"}", ""), CALL("1", "proposals show", "{}", "")};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_part(TOOL_READ, unknown[i], "\"error\":{\"code\":-32602");
}

static void whoever_only_proposes_is_a_planner(void **state)
{
    (void)state;
    const char *call = CALL("1", "propose", "{\"why\":\"x\",\"set\":[\"a=b\"]}", "");
    assert_part(TOOL_PROPOSE, call, "\"structuredContent\":{\"text\":\"planner\"}");
    assert_part(TOOL_APPROVE, call, "\"structuredContent\":{\"text\":\"person\"}");
}

static void resources_are_the_tools_that_need_no_argument(void **state)
{
    (void)state;
    assert_part(
        TOOL_READ, REQUEST("resources/list", ""),
        "{\"resources\":[{\"uri\":\"trireme://run/ledger_verify\",\"name\":"
        "\"ledger_verify\",\"description\":\"Verifies the chain of a run's ledger, and that "
        "its checkpoints agree with it.\",\"mimeType\":\"application/json\"}]}");
    assert_reply(TOOL_READ,
                 REQUEST("resources/read", "\"uri\":\"trireme://run/ledger_verify\"," META),
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\","
                 "\"contents\":[{\"uri\":\"trireme://run/ledger_verify\",\"mimeType\":"
                 "\"application/json\",\"text\":\"{\\\"head\\\":\\\"abc\\\"}\"}],\"ttlMs\":0,"
                 "\"cacheScope\":\"private\"," INFO "}}");
    assert_part(TOOL_READ, REQUEST("resources/read", "\"uri\":\"file:///etc/passwd\""),
                "\"code\":-32002");
    assert_part(TOOL_READ, REQUEST("resources/read", "\"uri\":\"file:///etc/passwd\"," META),
                "\"code\":-32602");
    assert_part(TOOL_READ, REQUEST("resources/read", "\"uri\":\"trireme://run/proposals_show\""),
                "\"code\":-32002");
    assert_part(TOOL_READ, REQUEST("resources/templates/list", ""), "{\"resourceTemplates\":[]}");
}

static void the_prompt_is_there_and_a_list_has_one_page(void **state)
{
    (void)state;
    assert_part(TOOL_READ, REQUEST("prompts/list", ""), "{\"prompts\":[{\"name\":\"steer\"");
    assert_part(TOOL_READ, REQUEST("prompts/get", "\"name\":\"steer\""),
                "\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"You ");
    assert_part(TOOL_READ, REQUEST("prompts/get", "\"name\":\"other\""), "\"code\":-32602");
    assert_part(TOOL_READ, REQUEST("tools/list", "\"cursor\":\"x\""), "\"code\":-32602");
    assert_part(TOOL_READ, REQUEST("tools/list", "\"cursor\":null"), "\"result\"");
}

static void headers_must_say_what_the_body_says(void **state)
{
    (void)state;
    const char *list_tools = REQUEST("tools/list", META),
               *call = CALL("1", "ledger_verify", "{}", "," META);
    struct mcp_headers none = {NULL, NULL, NULL}, fit = {"2026-07-28", "tools/list", NULL},
                       other = {"2026-07-28", "tools/call", NULL},
                       old = {"2025-11-25", "tools/list", NULL},
                       named = {"2026-07-28", "tools/call", "ledger_verify"},
                       misnamed = {"2026-07-28", "tools/call", "propose"},
                       unnamed = {"2026-07-28", "tools/call", NULL},
                       nonsense = {"1999-01-01", NULL, NULL};
    assert_status(&fit, list_tools, 200, "\"result\"");
    assert_status(&none, list_tools, 400, "-32020");
    assert_status(&other, list_tools, 400, "-32020");
    assert_status(&old, list_tools, 400, "-32020");
    assert_status(&named, call, 200, "\"result\"");
    assert_status(&misnamed, call, 400, "-32020");
    assert_status(&unnamed, call, 400, "-32020");
    assert_status(&none, REQUEST("tools/list", ""), 200, "\"result\"");
    assert_status(&old, REQUEST("tools/list", ""), 200, "\"result\"");
    assert_status(&nonsense, REQUEST("tools/list", ""), 400, "-32022");
    assert_status(&fit, REQUEST("tools/list", ""), 400, "-32602");
    struct mcp_headers unknown = {"2026-07-28", "ping", NULL};
    assert_status(&unknown, REQUEST("ping", META), 404, "-32601");
    assert_status(&none, REQUEST("nothing", ""), 200, "-32601");
    assert_status(&none, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", 202,
                  NULL);
    assert_status(&none, "x", 400, "-32700");
}

static void a_notification_names_the_call_that_is_to_end(void **state)
{
    (void)state;
    const struct mcp_server server = server_of(TOOL_READ);
    static const char text[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                               "\"params\":{\"requestId\":\"a\",\"reason\":\"x\"}}";
    struct mcp_answer answer;
    mcp_read(&answer, &server, NULL, text, strlen(text));
    assert_string_equal(answer.cancelled, "\"a\"");
    assert_null(answer.reply);
    mcp_answer_clear(&answer);
}

static void paths_are_hidden_in_sentences_and_only_the_runs_in_json(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"/runs/a: no",                                 "RUN: no"                                },
        {"/runs/a/x.json:7: '/etc/b c' and/or 3/4, /d", "RUN/x.json:7: 'PATH c' and/or 3/4, PATH"},
        {"1 tok/s",                                     "1 tok/s"                                },
        {"",                                            ""                                       },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *shown = no_path(texts[i][0], "/runs/a", false);
        assert_string_equal(shown, texts[i][1]);
        free(shown);
    }
    char *json = no_path("{\"a\":\"/runs/\\\"a\\\"/b /c\"}", "/runs/\"a\"", true);
    assert_string_equal(json, "{\"a\":\"RUN/b /c\"}");
    free(json);
}

/* Starts a call of `proposals show`. Returns the reply where there is one at once. */
static char *start(struct calls *calls, const struct mcp_server *server, const char *text,
                   void *owner)
{
    struct mcp_answer answer;
    mcp_read(&answer, server, NULL, text, strlen(text));
    char *reply = calls_start(calls, answer.call, owner);
    answer.call = NULL;
    mcp_answer_clear(&answer);
    return reply;
}

static char *await_reply(struct calls *calls, void **owner)
{
    struct pollfd polls[CALLS_MAX];
    char *reply = NULL;
    while (!reply && calls_under_way(calls)) {
        const size_t n = calls_poll(calls, polls, NULL);
        poll(polls, (nfds_t)n, (int)(calls_patience(calls) * 1000) + 1);
        reply = calls_next(calls, owner);
    }
    return reply;
}

static void calls_run_beside_each_other_end_in_time_and_fail_alone(void **state)
{
    (void)state;
    const struct mcp_server server = server_of(TOOL_READ);
    struct calls *calls = calls_new(&server, 0.5, 1 << 20);
    int long_one, good_one, bad_one;
    void *owner = NULL;
    assert_null(
        start(calls, &server, CALL("1", "proposals_show", "{\"number\":14}", ""), &long_one));
    assert_null(
        start(calls, &server, CALL("2", "proposals_show", "{\"number\":2}", ""), &good_one));
    assert_null(
        start(calls, &server, CALL("3", "proposals_show", "{\"number\":15}", ""), &bad_one));
    int good = 0, bad = 0, late = 0;
    for (int i = 0; i < 3; i++) {
        char *reply = await_reply(calls, &owner);
        assert_non_null(reply);
        good += owner == &good_one && strstr(reply, "\"number\":2");
        bad += owner == &bad_one && strstr(reply, "failed in this server");
        late += owner == &long_one && strstr(reply, "within 0.5 seconds");
        free(reply);
    }
    assert_int_equal(good, 1);
    assert_int_equal(bad, 1);
    assert_int_equal(late, 1);
    assert_int_equal(calls_under_way(calls), 0);
    calls_free(calls);
}

static void a_reply_that_is_too_long_is_refused_and_its_call_ended(void **state)
{
    (void)state;
    const struct mcp_server server = server_of(TOOL_READ);
    struct calls *calls = calls_new(&server, 100, 1 << 20);
    void *owner = NULL;
    assert_null(start(calls, &server, CALL("1", "proposals_show", "{\"number\":16}", ""), NULL));
    char *reply = await_reply(calls, &owner);
    assert_contains(reply, "more than 1048576 bytes");
    assert_int_equal(calls_under_way(calls), 0);
    free(reply);
    calls_free(calls);
}

static void a_cancelled_call_ends_and_no_more_than_sixteen_run(void **state)
{
    (void)state;
    const struct mcp_server server = server_of(TOOL_READ);
    struct calls *calls = calls_new(&server, 60, 1 << 20);
    for (int i = 0; i < CALLS_MAX; i++)
        assert_null(
            start(calls, &server, CALL("\"x\"", "proposals_show", "{\"number\":14}", ""), calls));
    char *refused = start(calls, &server, CALL("9", "proposals_show", "{\"number\":14}", ""), NULL);
    assert_contains(refused, "16 calls under way");
    free(refused);
    calls_cancel(calls, "\"y\"");
    assert_int_equal(calls_under_way(calls), CALLS_MAX);
    calls_cancel(calls, "\"x\"");
    assert_int_equal(calls_under_way(calls), 0);
    calls_free(calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initialize_answers_with_the_clients_revision_or_the_newest_legacy_one),
        cmocka_unit_test(discover_answers_with_what_there_is_and_how_long_it_may_be_kept),
        cmocka_unit_test(a_modern_request_says_its_revision_and_what_the_client_can),
        cmocka_unit_test(each_era_has_methods_that_the_other_has_not),
        cmocka_unit_test(tools_are_listed_for_the_role_and_carry_hints_of_it),
        cmocka_unit_test(a_call_replies_with_the_commands_json_as_text_and_as_structure),
        cmocka_unit_test(private_fields_and_the_runs_path_are_for_who_may_approve),
        cmocka_unit_test(a_wrong_argument_is_a_result_with_a_sentence_and_an_unknown_tool_an_error),
        cmocka_unit_test(whoever_only_proposes_is_a_planner),
        cmocka_unit_test(resources_are_the_tools_that_need_no_argument),
        cmocka_unit_test(the_prompt_is_there_and_a_list_has_one_page),
        cmocka_unit_test(headers_must_say_what_the_body_says),
        cmocka_unit_test(a_notification_names_the_call_that_is_to_end),
        cmocka_unit_test(paths_are_hidden_in_sentences_and_only_the_runs_in_json),
        cmocka_unit_test(calls_run_beside_each_other_end_in_time_and_fail_alone),
        cmocka_unit_test(a_reply_that_is_too_long_is_refused_and_its_call_ended),
        cmocka_unit_test(a_cancelled_call_ends_and_no_more_than_sixteen_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
