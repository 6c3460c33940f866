#include "launcher/llm/llm_wire.h"

#include "base/mem.h"
#include "base/text.h"
#include "proto/schema/json_out.h"
#include "proto/schema/node.h"
#include "proto/schema/number.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char anthropic_url[] = "https://api.anthropic.com/v1";

char *llm_wire_url(const Trireme__Llm *llm)
{
    const bool anthropic = llm->api == TRIREME__LLM__API__anthropic;
    const char *url = llm->url && llm->url[0] ? llm->url : anthropic ? anthropic_url : "";
    size_t size = strlen(url);
    while (size && url[size - 1] == '/')
        size--;
    return mem_format("%.*s%s", (int)size, url, anthropic ? "/messages" : "/chat/completions");
}

static void add_whole(struct json_out *out, const char *key, uint64_t value)
{
    json_out_scalar(out, key, (struct scalar){SCALAR_UINT, .u = value});
}

static void add_message(struct json_out *out, const char *role, const char *content)
{
    if (!content)
        return;
    json_out_open(out, NULL, '{');
    json_out_text(out, "role", role);
    json_out_text(out, "content", content);
    json_out_close(out, '}');
}

static void add_turns(struct json_out *out, const struct llm_question *q)
{
    add_message(out, "user", q->user);
    add_message(out, "assistant", q->answer);
    add_message(out, "user", q->repair);
}

static void add_anthropic(struct json_out *out, const struct llm_question *q)
{
    json_out_text(out, "model", q->llm->model);
    add_whole(out, "max_tokens", q->llm->max_tokens);
    json_out_text(out, "system", q->system);
    json_out_open(out, "messages", '[');
    add_turns(out, q);
    json_out_close(out, ']');
    json_out_open(out, "output_config", '{');
    json_out_open(out, "format", '{');
    json_out_text(out, "type", "json_schema");
    json_out_literal(out, "schema", q->schema);
    json_out_close(out, '}');
    if (q->llm->effort && q->llm->effort[0])
        json_out_text(out, "effort", q->llm->effort);
    json_out_close(out, '}');
}

static void add_openai(struct json_out *out, const struct llm_question *q)
{
    const bool thinks = q->llm->effort && q->llm->effort[0];
    json_out_text(out, "model", q->llm->model);
    json_out_open(out, "messages", '[');
    add_message(out, "system", q->system);
    add_turns(out, q);
    json_out_close(out, ']');
    // models that are told an effort take the newer name alone; most other servers know the older
    add_whole(out, thinks ? "max_completion_tokens" : "max_tokens", q->llm->max_tokens);
    if (thinks)
        json_out_text(out, "reasoning_effort", q->llm->effort);
    json_out_open(out, "response_format", '{');
    json_out_text(out, "type", "json_schema");
    json_out_open(out, "json_schema", '{');
    json_out_text(out, "name", "proposals");
    json_out_literal(out, "schema", q->schema);
    json_out_close(out, '}');
    json_out_close(out, '}');
}

char *llm_wire_request(const struct llm_question *question)
{
    struct json_out out = {.pretty = false};
    json_out_open(&out, NULL, '{');
    if (question->llm->api == TRIREME__LLM__API__anthropic)
        add_anthropic(&out, question);
    else
        add_openai(&out, question);
    json_out_close(&out, '}');
    return json_out_take(&out);
}

static const char *text_of(const struct node *map, const char *key)
{
    const struct node *node = node_get(map, key);
    return node && (node->kind == NODE_STRING || node->kind == NODE_PLAIN) ? node->text : NULL;
}

static uint64_t count_of(const struct node *map, const char *key)
{
    const struct node *node = node_get(map, key);
    bool negative = false;
    uint64_t n = 0;
    const bool is = node && node->kind == NODE_LITERAL &&
                    number_read_whole(&negative, &n, node->text) && !negative;
    return is && n < (uint64_t)1 << 40 ? n : 0; // nobody has that many
}

/* A word of the server's, which may be anything. */
static void set_word(struct llm_reply *reply, const char *word)
{
    size_t n = 0;
    for (; word && *word && n + 1 < sizeof reply->word; word++)
        reply->word[n++] = (*word >= 'a' && *word <= 'z') || (*word >= 'A' && *word <= 'Z') ||
                                   (*word >= '0' && *word <= '9')
                               ? *word
                               : '_';
    reply->word[n] = 0;
}

struct stop_row {
    const char *word;
    enum llm_stop stop;
};

static const struct stop_row anthropic_stops[] = {
    {"end_turn",                      LLM_DONE      },
    {"stop_sequence",                 LLM_DONE      },
    {"max_tokens",                    LLM_CUT       },
    {"model_context_window_exceeded", LLM_CONTEXT   },
    {"refusal",                       LLM_REFUSED   },
    {"tool_use",                      LLM_UNEXPECTED},
    {"pause_turn",                    LLM_UNEXPECTED},
    {NULL,                            LLM_UNEXPECTED}
};

static const struct stop_row openai_stops[] = {
    {"stop",           LLM_DONE      },
    {"length",         LLM_CUT       },
    {"content_filter", LLM_REFUSED   },
    {"tool_calls",     LLM_UNEXPECTED},
    {"function_call",  LLM_UNEXPECTED},
    {NULL,             LLM_UNEXPECTED}
};

static void set_stop(struct llm_reply *reply, const struct stop_row *rows, const char *word)
{
    while (rows->word && (!word || strcmp(rows->word, word)))
        rows++;
    reply->stop = rows->stop;
    set_word(reply, word ? word : "no_reason");
}

/* Adds the texts of a list of parts of that type; others (thinking, tools) are passed over. */
static void add_parts(struct text *text, const struct node *list)
{
    for (size_t i = 0; list && list->kind == NODE_LIST && i < list->n; i++) {
        const char *type = text_of(&list->children[i], "type"),
                   *part = text_of(&list->children[i], "text");
        if (type && part && !strcmp(type, "text"))
            text_add(text, part);
    }
}

/* Takes the text over, if there is any. */
static void keep_text(struct llm_reply *reply, struct text *text)
{
    if (text->size)
        reply->text = text_take(text);
    text_clear(text);
}

static int read_anthropic(struct llm_reply *reply, const struct node *root, struct err *err)
{
    const struct node *usage = node_get(root, "usage"), *content = node_get(root, "content");
    struct text text = {0};
    if (!content || content->kind != NODE_LIST)
        return err_set(err, ERR_DATA,
                       "the model's server: found a reply without content, expected a message");
    set_stop(reply, anthropic_stops, text_of(root, "stop_reason"));
    add_parts(&text, content);
    keep_text(reply, &text);
    reply->prompt_tokens = count_of(usage, "input_tokens") +
                           count_of(usage, "cache_creation_input_tokens") +
                           count_of(usage, "cache_read_input_tokens");
    reply->answer_tokens = count_of(usage, "output_tokens");
    return 0;
}

static int read_openai(struct llm_reply *reply, const struct node *root, struct err *err)
{
    const struct node *choices = node_get(root, "choices"), *usage = node_get(root, "usage");
    const struct node *first =
        choices && choices->kind == NODE_LIST && choices->n ? &choices->children[0] : NULL;
    const struct node *message = node_get(first, "message");
    struct text text = {0};
    if (!message)
        return err_set(
            err, ERR_DATA,
            "the model's server: found a reply without choices, expected a chat completion");
    set_stop(reply, openai_stops, text_of(first, "finish_reason"));
    if (text_of(message, "content"))
        text_add(&text, text_of(message, "content"));
    else
        add_parts(&text, node_get(message, "content"));
    if (text_of(message, "refusal") && text_of(message, "refusal")[0]) {
        reply->stop = LLM_REFUSED;
        set_word(reply, "refusal");
    }
    keep_text(reply, &text);
    reply->prompt_tokens = count_of(usage, "prompt_tokens");
    reply->answer_tokens = count_of(usage, "completion_tokens");
    return 0;
}

/* An error has its type beside its message, which may quote anything and is not read. */
static void read_error(struct llm_reply *reply, const struct node *root)
{
    const struct node *error = node_get(root, "error");
    const char *type = text_of(error, "type");
    reply->stop = LLM_ERROR;
    set_word(reply, type && type[0]                   ? type
                    : text_of(root, "type")           ? text_of(root, "type")
                    : error || node_get(root, "code") ? "error"
                                                      : "no_word");
}

int llm_wire_read(struct llm_reply *reply, Trireme__Llm__Api api, unsigned status,
                  const char *bytes, size_t size, struct err *err)
{
    struct err unread;
    struct node *root =
        json_node_read_foreign(bytes, size, "the model's server", ERR_DATA, &unread);
    const bool sound = status >= 200 && status < 300;
    int rc = 0;
    *reply = (struct llm_reply){.stop = LLM_ERROR};
    if (!sound)
        read_error(reply, root);
    else if (!root || root->kind != NODE_MAP)
        rc = err_set(err, ERR_DATA, "the model's server: found a reply that is no JSON object");
    else if (node_get(root, "error") && node_get(root, "error")->kind != NODE_NULL)
        read_error(reply, root);
    else
        rc = api == TRIREME__LLM__API__anthropic ? read_anthropic(reply, root, err)
                                                 : read_openai(reply, root, err);
    node_free(root);
    if (rc < 0)
        llm_reply_clear(reply);
    return rc;
}

void llm_reply_clear(struct llm_reply *reply)
{
    free(reply->text);
    *reply = (struct llm_reply){.stop = LLM_ERROR};
}
