/* Calls: a command run for a client, and what it replied as the result of a tool or a resource. */
#include "base/mem.h"
#include "launcher/mcp/jsonrpc.h"
#include "launcher/mcp/mcp.h"
#include "launcher/mcp/reply.h"
#include "proto/schema/message.h"

#include <stdlib.h>

static char *tool_result(const struct mcp_call *call, const char *json, const char *sentence)
{
    struct json_out out = {0};
    reply_open(&out, call->era);
    json_out_open(&out, "content", '[');
    json_out_open(&out, NULL, '{');
    json_out_text(&out, "type", "text");
    json_out_text(&out, "text", json ? json : sentence);
    json_out_close(&out, '}');
    json_out_close(&out, ']');
    if (json)
        json_out_literal(&out, "structuredContent", json);
    json_out_scalar(&out, "isError", (struct scalar){SCALAR_BOOL, .b = !json});
    return reply_close(&out, call->era, call->id);
}

static char *resource_result(const struct mcp_call *call, const char *json)
{
    struct json_out out = {0};
    reply_open(&out, call->era);
    json_out_open(&out, "contents", '[');
    json_out_open(&out, NULL, '{');
    json_out_text(&out, "uri", call->uri);
    json_out_text(&out, "mimeType", "application/json");
    json_out_text(&out, "text", json);
    json_out_close(&out, '}');
    json_out_close(&out, ']');
    reply_keep(&out, call->era, 0); // the run goes on
    return reply_close(&out, call->era, call->id);
}

char *mcp_call_refuse(const struct mcp_call *call, const char *sentence)
{
    return call->uri ? jsonrpc_error(call->id, JSONRPC_INTERNAL, sentence, NULL)
                     : tool_result(call, NULL, sentence);
}

char *mcp_call_run(const struct mcp_server *server, const struct mcp_call *call)
{
    struct err err = {.text = ""};
    char *json = tool_run(server, call->command, call->request, &err);
    if (!json)
        return mcp_call_refuse(call, err.text);
    char *reply = call->uri ? resource_result(call, json) : tool_result(call, json, NULL);
    free(json);
    return reply;
}

void mcp_call_free(struct mcp_call *call)
{
    if (!call)
        return;
    message_free(call->request);
    free(call->id);
    free(call->uri);
    free(call);
}
