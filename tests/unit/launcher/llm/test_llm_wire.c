/* Bodies of the two protocols, as their documentation writes them; what is made of each reply. */
#include "tests/unit/support.h"

#include "base/mem.h"
#include "launcher/llm/llm_wire.h"
#include "proto/schema/message.h"
#include "proto/schema/node.h"

static Trireme__Llm *llm_of(Trireme__Llm__Api api, const char *url, const char *effort)
{
    Trireme__Llm *llm = message_new(&trireme__llm__descriptor);
    llm->api = api;
    free(llm->url), llm->url = mem_strdup(url);
    free(llm->model), llm->model = mem_strdup("a \"model\"");
    free(llm->effort), llm->effort = mem_strdup(effort);
    llm->max_tokens = 300;
    return llm;
}

static struct node *request_of(const Trireme__Llm *llm, const char *answer, const char *repair)
{
    const struct llm_question q = {llm,    "be brief", "hello\n\"there\"",
                                   answer, repair,     "{\"type\":\"object\"}"};
    struct err err;
    char *body = llm_wire_request(&q);
    assert_null(strchr(body, '\n'));
    struct node *root = json_node_read(body, strlen(body), "body", ERR_DATA, &err);
    assert_non_null(root);
    free(body);
    return root;
}

static const char *at(const struct node *node, const char *const *keys)
{
    for (; node && *keys; keys++)
        node = **keys == '0' || **keys == '1' || **keys == '2' || **keys == '3'
                   ? (size_t)(**keys - '0') < node->n ? &node->children[**keys - '0'] : NULL
                   : node_get(node, *keys);
    return node && node->text ? node->text : "(none)";
}
#define AT(node, ...) at(node, (const char *const[]){__VA_ARGS__, NULL})

static void the_address_is_the_url_with_the_protocols_path(void **state)
{
    (void)state;
    static const struct {
        Trireme__Llm__Api api;
        const char *url, *expected;
    } rows[] = {
        {TRIREME__LLM__API__anthropic, "",               "https://api.anthropic.com/v1/messages"},
        {TRIREME__LLM__API__anthropic, "http://h:1/v1/", "http://h:1/v1/messages"               },
        {TRIREME__LLM__API__openai,    "http://h:1/v1",  "http://h:1/v1/chat/completions"       },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Trireme__Llm *llm = llm_of(rows[i].api, rows[i].url, "");
        char *url = llm_wire_url(llm);
        assert_string_equal(url, rows[i].expected);
        free(url);
        message_free(llm);
    }
}

static void a_question_of_anthropics_has_the_fields_of_messages(void **state)
{
    (void)state;
    Trireme__Llm *llm = llm_of(TRIREME__LLM__API__anthropic, "", "high");
    struct node *root = request_of(llm, "{}", "again");
    assert_string_equal(AT(root, "model"), "a \"model\"");
    assert_string_equal(AT(root, "max_tokens"), "300");
    assert_string_equal(AT(root, "system"), "be brief");
    assert_string_equal(AT(root, "messages", "0", "role"), "user");
    assert_string_equal(AT(root, "messages", "0", "content"), "hello\n\"there\"");
    assert_string_equal(AT(root, "messages", "1", "role"), "assistant");
    assert_string_equal(AT(root, "messages", "1", "content"), "{}");
    assert_string_equal(AT(root, "messages", "2", "role"), "user");
    assert_string_equal(AT(root, "messages", "2", "content"), "again");
    assert_string_equal(AT(root, "output_config", "format", "type"), "json_schema");
    assert_string_equal(AT(root, "output_config", "format", "schema", "type"), "object");
    assert_string_equal(AT(root, "output_config", "effort"), "high");
    assert_int_equal(root->n, 5);
    node_free(root);
    message_free(llm);
}

static void a_question_of_openais_has_the_fields_of_chat_completions(void **state)
{
    (void)state;
    Trireme__Llm *llm = llm_of(TRIREME__LLM__API__openai, "http://h/v1", "");
    struct node *root = request_of(llm, NULL, NULL);
    assert_string_equal(AT(root, "messages", "0", "role"), "system");
    assert_string_equal(AT(root, "messages", "1", "role"), "user");
    assert_int_equal(node_get(root, "messages")->n, 2);
    assert_string_equal(AT(root, "max_tokens"), "300");
    assert_string_equal(AT(root, "response_format", "type"), "json_schema");
    assert_string_equal(AT(root, "response_format", "json_schema", "schema", "type"), "object");
    assert_null(node_get(root, "reasoning_effort"));
    node_free(root);
    message_free(llm);
    llm = llm_of(TRIREME__LLM__API__openai, "http://h/v1", "low");
    root = request_of(llm, NULL, NULL);
    assert_string_equal(AT(root, "reasoning_effort"), "low");
    assert_string_equal(AT(root, "max_completion_tokens"), "300");
    assert_null(node_get(root, "max_tokens"));
    node_free(root);
    message_free(llm);
}

static void reads(Trireme__Llm__Api api, unsigned status, const char *body, enum llm_stop stop,
                  const char *word, const char *text)
{
    struct llm_reply reply;
    struct err err = {.text = ""};
    if (llm_wire_read(&reply, api, status, body, strlen(body), &err) < 0)
        fail_msg("%s: %s", body, err.text);
    if (reply.stop != stop)
        fail_msg("%s: found stop %d, expected %d", body, reply.stop, stop);
    assert_string_equal(reply.word, word);
    if (text)
        assert_string_equal(reply.text, text);
    else
        assert_null(reply.text);
    llm_reply_clear(&reply);
}

static void each_stop_reason_of_anthropics_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum llm_stop stop;
    } rows[] = {
        {"end_turn",                      LLM_DONE      },
        {"max_tokens",                    LLM_CUT       },
        {"stop_sequence",                 LLM_DONE      },
        {"tool_use",                      LLM_UNEXPECTED},
        {"pause_turn",                    LLM_UNEXPECTED},
        {"refusal",                       LLM_REFUSED   },
        {"model_context_window_exceeded", LLM_CONTEXT   },
        {"of_next_year",                  LLM_UNEXPECTED}
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *body = mem_format("{\"type\":\"message\",\"content\":[{\"type\":\"thinking\","
                                "\"thinking\":\"hm\"},{\"type\":\"text\",\"text\":\"a\"},"
                                "{\"type\":\"text\",\"text\":\"b\"}],\"stop_reason\":\"%s\"}",
                                rows[i].word);
        reads(TRIREME__LLM__API__anthropic, 200, body, rows[i].stop, rows[i].word, "ab");
        free(body);
    }
}

static void each_finish_reason_of_openais_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        enum llm_stop stop;
    } rows[] = {
        {"stop",           LLM_DONE      },
        {"length",         LLM_CUT       },
        {"content_filter", LLM_REFUSED   },
        {"tool_calls",     LLM_UNEXPECTED},
        {"function_call",  LLM_UNEXPECTED}
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *body = mem_format("{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":"
                                "\"{}\"},\"finish_reason\":\"%s\"}]}",
                                rows[i].word);
        reads(TRIREME__LLM__API__openai, 200, body, rows[i].stop, rows[i].word, "{}");
        free(body);
    }
    reads(TRIREME__LLM__API__openai, 200,
          "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"I will not\"},"
          "\"finish_reason\":\"stop\"}]}",
          LLM_REFUSED, "refusal", NULL);
    reads(TRIREME__LLM__API__openai, 200,
          "{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},"
          "\"finish_reason\":null}]}",
          LLM_UNEXPECTED, "no_reason", "x");
}

static void errors_have_their_type_and_not_their_message(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        unsigned status;
        const char *body, *word;
    } rows[] = {
        {529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}",
         "overloaded_error"},
        {401, "{\"error\":{\"message\":\"key sk-1\",\"type\":\"invalid_request_error\"}}",
         "invalid_request_error"},
        {500, "{\"error\":\"ollama says\"}", "error"},
        {502, "<html>bad gateway</html>", "no_word"},
        {500, "", "no_word"},
        {400, "{\"error\":{\"type\":\"a b\\n\\u001b[31m\"}}", "a_b___31m"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        reads(TRIREME__LLM__API__anthropic, rows[i].status, rows[i].body, LLM_ERROR, rows[i].word,
              NULL);
        reads(TRIREME__LLM__API__openai, rows[i].status, rows[i].body, LLM_ERROR, rows[i].word,
              NULL);
    }
    reads(TRIREME__LLM__API__openai, 200, "{\"error\":{\"type\":\"late\"}}", LLM_ERROR, "late",
          NULL);
}

static void tokens_are_counted_with_those_of_caches(void **state)
{
    (void)state;
    static const char a[] =
        "{\"content\":[],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":"
        "10,\"cache_read_input_tokens\":5,\"cache_creation_input_tokens\":2,"
        "\"output_tokens\":7}}",
                      o[] = "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":"
                            "\"stop\"}],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":-3}}";
    struct llm_reply reply;
    struct err err;
    assert_int_equal(llm_wire_read(&reply, TRIREME__LLM__API__anthropic, 200, a, strlen(a), &err),
                     0);
    assert_int_equal(reply.prompt_tokens, 17);
    assert_int_equal(reply.answer_tokens, 7);
    llm_reply_clear(&reply);
    assert_int_equal(llm_wire_read(&reply, TRIREME__LLM__API__openai, 200, o, strlen(o), &err), 0);
    assert_int_equal(reply.prompt_tokens, 11);
    assert_int_equal(reply.answer_tokens, 0); // a number that cannot be
    llm_reply_clear(&reply);
}

static void what_is_no_reply_is_refused_with_a_sentence(void **state)
{
    (void)state;
    static const char *const bodies[] = {"",
                                         "null",
                                         "[]",
                                         "\"hello\"",
                                         "{",
                                         "{}",
                                         "{\"choices\":[]}",
                                         "{\"content\":\"text\"}",
                                         "\xff\xfe",
                                         "{\"a\":1,\"a\":1}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (int api = 0; api < 2; api++) {
            struct llm_reply reply;
            struct err err = {.text = ""};
            assert_int_equal(llm_wire_read(&reply, (Trireme__Llm__Api)api, 200, bodies[i],
                                           strlen(bodies[i]), &err),
                             -1);
            assert_contains(err.text, "the model's server: found a reply");
            assert_null(reply.text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_address_is_the_url_with_the_protocols_path),
        cmocka_unit_test(a_question_of_anthropics_has_the_fields_of_messages),
        cmocka_unit_test(a_question_of_openais_has_the_fields_of_chat_completions),
        cmocka_unit_test(each_stop_reason_of_anthropics_is_known),
        cmocka_unit_test(each_finish_reason_of_openais_is_known),
        cmocka_unit_test(errors_have_their_type_and_not_their_message),
        cmocka_unit_test(tokens_are_counted_with_those_of_caches),
        cmocka_unit_test(what_is_no_reply_is_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
