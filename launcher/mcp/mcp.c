#include "launcher/mcp/mcp.h"

#include "base/mem.h"
#include "launcher/mcp/craft.h"
#include "launcher/mcp/jsonrpc.h"
#include "launcher/mcp/reply.h"
#include "proto/schema/node.h"

#include <stdlib.h>
#include <string.h>

#define META "io.modelcontextprotocol/"
#define URI  "trireme://run/"
enum { LIST_KEPT_MS = 60000 /* lists change with the server's role alone */ };

static const char modern_version[] = "2026-07-28";
static const char *const legacy_versions[] = {"2025-11-25", "2025-06-18", "2025-03-26",
                                              "2024-11-05"}; /* the newest first */

/* A message on its way to its answer. */
struct turn {
    const struct mcp_server *server;
    const struct mcp_headers *headers;
    struct jsonrpc message;
    enum mcp_era era;
    struct mcp_answer *answer;
    struct json_out out; /* the result */
};

/* HTTP's status of an error: the modern revision says which mistakes are the transport's, too. */
static int status_of(enum mcp_era era, int code)
{
    switch (code) {
    case JSONRPC_NO_METHOD:
        return era == MCP_MODERN ? 404 : 200;
    case JSONRPC_NO_JSON:
    case JSONRPC_NO_REQUEST:
    case MCP_HEADER_MISMATCH:
    case MCP_UNSUPPORTED_VERSION:
        return 400;
    default:
        return 200;
    }
}

/* Answers with a protocol error. */
static void fail(struct turn *turn, int code, const char *sentence, const char *data)
{
    turn->answer->status = status_of(turn->era, code);
    turn->answer->reply = jsonrpc_error(turn->message.id, code, sentence, data);
}

static void succeed(struct turn *turn)
{
    turn->answer->reply = reply_close(&turn->out, turn->era, turn->message.id);
}

/* The text of a key of params, or NULL. */
static const char *text_of(const struct node *node, const char *key)
{
    const struct node *child = node_get(node, key);
    const bool is_text = child && (child->kind == NODE_STRING || child->kind == NODE_PLAIN);
    return is_text ? child->text : NULL;
}

static void write_capabilities(struct json_out *out)
{
    json_out_open(out, "capabilities", '{');
    static const char *const offered[] = {"tools", "resources", "prompts"};
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++) {
        json_out_open(out, offered[i], '{');
        json_out_close(out, '}');
    }
    json_out_close(out, '}');
}

static void initialize(struct turn *turn)
{
    const char *wanted = text_of(turn->message.params, "protocolVersion");
    const char *spoken = legacy_versions[0];
    if (!wanted) {
        fail(turn, JSONRPC_BAD_PARAMS, "protocolVersion: expected the revision of the client",
             NULL);
        return;
    }
    for (size_t i = 0; i < sizeof legacy_versions / sizeof *legacy_versions; i++)
        if (strcmp(wanted, legacy_versions[i]) == 0)
            spoken = legacy_versions[i];
    reply_open(&turn->out, turn->era);
    json_out_text(&turn->out, "protocolVersion", spoken);
    write_capabilities(&turn->out);
    reply_server_info(&turn->out, "serverInfo");
    json_out_text(&turn->out, "instructions", craft_instructions);
    succeed(turn);
}

static void discover(struct turn *turn)
{
    reply_open(&turn->out, turn->era);
    json_out_open(&turn->out, "supportedVersions", '[');
    json_out_text(&turn->out, NULL, modern_version);
    json_out_close(&turn->out, ']');
    write_capabilities(&turn->out);
    json_out_text(&turn->out, "instructions", craft_instructions);
    reply_keep(&turn->out, turn->era, LIST_KEPT_MS);
    succeed(turn);
}

static void ping(struct turn *turn)
{
    reply_open(&turn->out, turn->era);
    succeed(turn);
}

/* Begins a list. A list has one page, so no cursor was ever given out. */
static bool open_list(struct turn *turn, const char *key)
{
    const struct node *cursor = node_get(turn->message.params, "cursor");
    if (cursor && cursor->kind != NODE_NULL) {
        fail(turn, JSONRPC_BAD_PARAMS, "cursor: found one, but the list has one page", NULL);
        return false;
    }
    reply_open(&turn->out, turn->era);
    json_out_open(&turn->out, key, '[');
    return true;
}

static void close_list(struct turn *turn)
{
    json_out_close(&turn->out, ']');
    reply_keep(&turn->out, turn->era, LIST_KEPT_MS);
    succeed(turn);
}

static void tools_list(struct turn *turn)
{
    if (!open_list(turn, "tools"))
        return;
    for (size_t i = 0; i < turn->server->n_commands; i++)
        if (tool_is_open(turn->server, &turn->server->commands[i]))
            tool_write(&turn->out, turn->server, &turn->server->commands[i]);
    close_list(turn);
}

static void resources_list(struct turn *turn)
{
    if (!open_list(turn, "resources"))
        return;
    for (size_t i = 0; i < turn->server->n_commands; i++) {
        const struct command *command = &turn->server->commands[i];
        if (!tool_is_resource(turn->server, command))
            continue;
        char *name = tool_name(command), *uri = mem_format(URI "%s", name);
        json_out_open(&turn->out, NULL, '{');
        json_out_text(&turn->out, "uri", uri);
        json_out_text(&turn->out, "name", name);
        json_out_text(&turn->out, "description", message_comment(command->request));
        json_out_text(&turn->out, "mimeType", "application/json");
        json_out_close(&turn->out, '}');
        free(name);
        free(uri);
    }
    close_list(turn);
}

static void templates_list(struct turn *turn)
{
    if (open_list(turn, "resourceTemplates"))
        close_list(turn);
}

static void write_prompt(struct json_out *out)
{
    json_out_text(out, "name", craft_name);
    json_out_text(out, "title", craft_title);
    json_out_text(out, "description", craft_description);
}

static void prompts_list(struct turn *turn)
{
    if (!open_list(turn, "prompts"))
        return;
    json_out_open(&turn->out, NULL, '{');
    write_prompt(&turn->out);
    json_out_close(&turn->out, '}');
    close_list(turn);
}

static void prompts_get(struct turn *turn)
{
    const char *name = text_of(turn->message.params, "name");
    struct json_out *out = &turn->out;
    if (!name || strcmp(name, craft_name)) {
        char *why = mem_format("name: found no prompt of that name, there is %s", craft_name);
        fail(turn, JSONRPC_BAD_PARAMS, why, NULL);
        free(why);
        return;
    }
    reply_open(out, turn->era);
    json_out_text(out, "description", craft_description);
    json_out_open(out, "messages", '[');
    json_out_open(out, NULL, '{');
    json_out_text(out, "role", "user");
    json_out_open(out, "content", '{');
    json_out_text(out, "type", "text");
    json_out_text(out, "text", craft_text);
    json_out_close(out, '}');
    json_out_close(out, '}');
    json_out_close(out, ']');
    succeed(turn);
}

/* Hands out a call of the command; a mistake in its arguments is its reply. */
static void hand_out(struct turn *turn, const struct command *command, struct node *arguments,
                     const char *uri)
{
    struct err err = {.text = ""};
    struct mcp_call *call = mem_new(1, sizeof *call);
    *call = (struct mcp_call){.id = mem_strdup(turn->message.id),
                              .era = turn->era,
                              .command = command,
                              .uri = mem_strdup(uri)};
    call->request = tool_request(turn->server, command, arguments, &err);
    if (call->request) {
        turn->answer->call = call;
        return;
    }
    turn->answer->reply = mcp_call_refuse(call, err.text);
    mcp_call_free(call);
}

static void tools_call(struct turn *turn)
{
    const char *name = text_of(turn->message.params, "name");
    const struct command *command = name ? tool_find(turn->server, name) : NULL;
    if (!command) {
        fail(turn, JSONRPC_BAD_PARAMS,
             name ? "name: found no tool of that name; tools/list has those for this role"
                  : "name: expected that of a tool",
             NULL);
        return;
    }
    struct node *arguments = node_get(turn->message.params, "arguments");
    hand_out(turn, command, arguments && arguments->kind != NODE_NULL ? arguments : NULL, NULL);
}

static void resources_read(struct turn *turn)
{
    const char *uri = text_of(turn->message.params, "uri");
    const bool ours = uri && strncmp(uri, URI, strlen(URI)) == 0;
    const struct command *command = ours ? tool_find(turn->server, uri + strlen(URI)) : NULL;
    if (command && tool_is_resource(turn->server, command)) {
        hand_out(turn, command, NULL, uri);
        return;
    }
    struct json_out data = {0};
    json_out_open(&data, NULL, '{');
    json_out_text(&data, "uri", uri ? uri : "");
    json_out_close(&data, '}');
    char *json = json_out_take(&data);
    const int code =
        turn->era == MCP_LEGACY && uri ? (int)MCP_LEGACY_NO_RESOURCE : (int)JSONRPC_BAD_PARAMS;
    fail(turn, code, "uri: found no resource of that name; resources/list has them", json);
    free(json);
}

static const struct method {
    const char *name;
    bool legacy, modern;
    void (*answer)(struct turn *turn);
} methods[] = {
  // clang-format off
    {"initialize",               true,  false, initialize    },
    {"ping",                     true,  false, ping          },
    {"server/discover",          false, true,  discover      },
    {"tools/list",               true,  true,  tools_list    },
    {"tools/call",               true,  true,  tools_call    },
    {"resources/list",           true,  true,  resources_list},
    {"resources/templates/list", true,  true,  templates_list},
    {"resources/read",           true,  true,  resources_read},
    {"prompts/list",             true,  true,  prompts_list  },
    {"prompts/get",              true,  true,  prompts_get   },
  // clang-format on
};

static void refuse_version(struct turn *turn, const char *requested)
{
    struct json_out data = {0};
    json_out_open(&data, NULL, '{');
    json_out_open(&data, "supported", '[');
    json_out_text(&data, NULL, modern_version);
    json_out_close(&data, ']');
    json_out_text(&data, "requested", requested);
    json_out_close(&data, '}');
    char *json = json_out_take(&data);
    fail(turn, MCP_UNSUPPORTED_VERSION, "found a revision that this server does not speak", json);
    free(json);
}

/* Whether the header is what the body says. Both NULL is right, too. */
static bool header_fits(struct turn *turn, const char *header, const char *body, const char *name)
{
    if (body ? header && strcmp(header, body) == 0 : !header)
        return true;
    char *why =
        mem_format("%s: found %s%s%s, expected what the body says: %s", name, header ? "'" : "",
                   header ? header : "none", header ? "'" : "", body ? body : "none");
    fail(turn, MCP_HEADER_MISMATCH, why, NULL);
    free(why);
    return false;
}

/* What Mcp-Name repeats of a request; NULL: nothing. */
static const char *name_in_body(const struct jsonrpc *message)
{
    if (!strcmp(message->method, "resources/read"))
        return text_of(message->params, "uri");
    if (!strcmp(message->method, "tools/call") || !strcmp(message->method, "prompts/get"))
        return text_of(message->params, "name");
    return NULL;
}

static bool headers_fit(struct turn *turn, const char *version)
{
    const struct mcp_headers *headers = turn->headers;
    return !headers ||
           (header_fits(turn, headers->version, version, "MCP-Protocol-Version") &&
            header_fits(turn, headers->method, turn->message.method, "Mcp-Method") &&
            (!name_in_body(&turn->message) ||
             header_fits(turn, headers->name, name_in_body(&turn->message), "Mcp-Name")));
}

/* A modern request says in itself who asks, and by which revision. */
static bool is_sound_modern(struct turn *turn)
{
    const struct node *meta = node_get(turn->message.params, "_meta"),
                      *can = node_get(meta, META "clientCapabilities");
    const char *version = text_of(meta, META "protocolVersion");
    if (!version || !can || can->kind != NODE_MAP) {
        fail(turn, JSONRPC_BAD_PARAMS,
             version ? "_meta: expected " META "clientCapabilities, an object"
                     : "_meta: expected " META "protocolVersion, a text",
             NULL);
        turn->answer->status = 400;
        return false;
    }
    if (!headers_fit(turn, version))
        return false;
    if (strcmp(version, modern_version)) {
        refuse_version(turn, version);
        return false;
    }
    return true;
}

static bool is_legacy_version(const char *version)
{
    for (size_t i = 0; i < sizeof legacy_versions / sizeof *legacy_versions; i++)
        if (strcmp(version, legacy_versions[i]) == 0)
            return true;
    return false;
}

static bool is_sound_legacy(struct turn *turn)
{
    const char *version = turn->headers ? turn->headers->version : NULL;
    if (!version || is_legacy_version(version))
        return true;
    refuse_version(turn, version);
    return false;
}

/* The era of a message: its own revision says it, or a header that is no legacy revision. */
static enum mcp_era era_of(const struct turn *turn)
{
    const struct node *meta = node_get(turn->message.params, "_meta");
    const char *header = turn->headers ? turn->headers->version : NULL;
    if (text_of(meta, META "protocolVersion") || !strcmp(turn->message.method, "server/discover"))
        return MCP_MODERN;
    return header && strcmp(header, modern_version) == 0 ? MCP_MODERN : MCP_LEGACY;
}

static void answer_request(struct turn *turn)
{
    turn->era = era_of(turn);
    if (turn->era == MCP_MODERN ? !is_sound_modern(turn) : !is_sound_legacy(turn))
        return;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(turn->message.method, methods[i].name) == 0 &&
            (turn->era == MCP_MODERN ? methods[i].modern : methods[i].legacy)) {
            methods[i].answer(turn);
            return;
        }
    fail(turn, JSONRPC_NO_METHOD, "method: found one that this server does not have", NULL);
}

static void hear(struct turn *turn)
{
    turn->answer->status = 202;
    if (turn->message.method && strcmp(turn->message.method, "notifications/cancelled") == 0)
        turn->answer->cancelled = jsonrpc_id(node_get(turn->message.params, "requestId"));
}

void mcp_read(struct mcp_answer *answer, const struct mcp_server *server,
              const struct mcp_headers *headers, const char *bytes, size_t size)
{
    struct turn turn = {.server = server, .headers = headers, .answer = answer};
    struct err err = {.text = ""};
    enum jsonrpc_code code;
    *answer = (struct mcp_answer){.status = 200};
    if (jsonrpc_read(&turn.message, &code, bytes, size, &err) < 0)
        fail(&turn, code, err.text, NULL);
    else if (!turn.message.method || !turn.message.id)
        hear(&turn);
    else
        answer_request(&turn);
    jsonrpc_clear(&turn.message);
    text_clear(&turn.out.text);
}

void mcp_answer_clear(struct mcp_answer *answer)
{
    free(answer->reply);
    free(answer->cancelled);
    mcp_call_free(answer->call);
    *answer = (struct mcp_answer){0};
}
