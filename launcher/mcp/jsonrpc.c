#include "launcher/mcp/jsonrpc.h"

#include "base/mem.h"
#include "proto/schema/json_out.h"
#include "proto/schema/node.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_whole(const char *text)
{
    text += *text == '-';
    return *text && text[strspn(text, "0123456789")] == 0;
}

char *jsonrpc_id(const struct node *node)
{
    if (node && node->kind == NODE_LITERAL && is_whole(node->text))
        return mem_strdup(node->text);
    // text of digits above 2^63 is NODE_PLAIN
    if (!node || (node->kind != NODE_STRING && node->kind != NODE_PLAIN))
        return NULL;
    struct json_out out = {0};
    json_out_text(&out, NULL, node->text);
    return json_out_take(&out);
}

static int refuse(enum jsonrpc_code *code, enum jsonrpc_code why, struct err *err,
                  const char *sentence)
{
    *code = why;
    return err_set(err, ERR_USAGE, "%s", sentence);
}

static int read_object(struct jsonrpc *message, enum jsonrpc_code *code, struct err *err)
{
    const struct node *id = node_get(message->root, "id"),
                      *version = node_get(message->root, "jsonrpc"),
                      *method = node_get(message->root, "method");
    struct node *params = node_get(message->root, "params");
    message->id = jsonrpc_id(id);
    if (!version || version->kind != NODE_STRING || strcmp(version->text, "2.0"))
        return refuse(code, JSONRPC_NO_REQUEST, err, "found no \"jsonrpc\": \"2.0\"");
    if (id && !message->id)
        return refuse(code, JSONRPC_NO_REQUEST, err,
                      "id: expected text or a whole number, and none in a notification");
    if (!method && (node_get(message->root, "result") || node_get(message->root, "error")))
        return 0;
    if (!method || method->kind != NODE_STRING)
        return refuse(code, JSONRPC_NO_REQUEST, err, "method: expected the name of one");
    if (params && params->kind != NODE_MAP)
        return refuse(code, JSONRPC_BAD_PARAMS, err, "params: expected an object");
    message->method = method->text;
    message->params = params;
    return 0;
}

int jsonrpc_read(struct jsonrpc *message, enum jsonrpc_code *code, const char *bytes, size_t size,
                 struct err *err)
{
    *message = (struct jsonrpc){0};
    if (size > JSONRPC_BYTES_MAX) {
        *code = JSONRPC_NO_REQUEST;
        return err_set(err, ERR_USAGE, "found a message of %zu bytes, expected at most %d", size,
                       JSONRPC_BYTES_MAX);
    }
    *code = JSONRPC_NO_JSON;
    message->root = json_node_read(bytes, size, "message", ERR_USAGE, err);
    if (!message->root)
        return -1;
    if (message->root->kind == NODE_LIST)
        return refuse(code, JSONRPC_NO_REQUEST, err,
                      "found a list of messages, expected one message");
    if (message->root->kind != NODE_MAP)
        return refuse(code, JSONRPC_NO_REQUEST, err, "found no object, expected a message");
    *code = JSONRPC_OK;
    return read_object(message, code, err);
}

void jsonrpc_clear(struct jsonrpc *message)
{
    node_free(message->root);
    free(message->id);
    *message = (struct jsonrpc){0};
}

static void open_reply(struct json_out *out, const char *id)
{
    json_out_open(out, NULL, '{');
    json_out_text(out, "jsonrpc", "2.0");
    json_out_literal(out, "id", id ? id : "null");
}

char *jsonrpc_result(const char *id, const char *result)
{
    struct json_out out = {0};
    open_reply(&out, id);
    json_out_literal(&out, "result", result);
    json_out_close(&out, '}');
    return json_out_take(&out);
}

char *jsonrpc_error(const char *id, int code, const char *sentence, const char *data)
{
    struct json_out out = {0};
    open_reply(&out, id);
    json_out_open(&out, "error", '{');
    json_out_scalar(&out, "code", (struct scalar){SCALAR_INT, .i = code});
    json_out_text(&out, "message", sentence);
    if (data)
        json_out_literal(&out, "data", data);
    json_out_close(&out, '}');
    json_out_close(&out, '}');
    return json_out_take(&out);
}
