#include "launcher/mcp/tool.h"

#include "base/mem.h"
#include "launcher/mcp/no_path.h"
#include "proto/schema/json_out.h"
#include "proto/schema/message.h"
#include "proto/schema/near_name.h"
#include "proto/schema/node.h"
#include "proto/schema/read.h"
#include "proto/schema/value.h"
#include "proto/schema/write.h"

#include <stdlib.h>
#include <string.h>

char *tool_name(const struct command *command)
{
    char *name = mem_strdup(command->name);
    for (char *c = name; *c; c++)
        *c = *c == ' ' ? '_' : *c;
    return name;
}

/* The field that says which run: positional, "RUN" or "RUN[@STEP]". NULL: there is none. */
static const struct field_doc *run_field(const struct command *command)
{
    for (unsigned i = 0; i < command->request->n_fields; i++) {
        const struct field_doc *doc = field_doc(command->request, &command->request->fields[i]);
        if (doc->place && strncmp(doc->place, "RUN", strlen("RUN")) == 0)
            return doc;
    }
    return NULL;
}

bool tool_is_open(const struct mcp_server *server, const struct command *command)
{
    return command->tool != TOOL_NONE && command->tool <= server->role && run_field(command);
}

bool tool_is_resource(const struct mcp_server *server, const struct command *command)
{
    if (!tool_is_open(server, command) || command->tool != TOOL_READ)
        return false;
    const struct field_doc *run = run_field(command);
    for (unsigned i = 0; i < command->request->n_fields; i++)
        if (command->request->fields[i].label != PROTOBUF_C_LABEL_OPTIONAL &&
            field_doc(command->request, &command->request->fields[i]) != run)
            return false;
    return true;
}

const struct command *tool_find(const struct mcp_server *server, const char *name)
{
    for (size_t i = 0; i < server->n_commands; i++) {
        char *its = tool_name(&server->commands[i]);
        const bool is_it = strcmp(its, name) == 0 && tool_is_open(server, &server->commands[i]);
        free(its);
        if (is_it)
            return &server->commands[i];
    }
    return NULL;
}

static void write_hint(struct json_out *out, const char *name, bool value)
{
    json_out_scalar(out, name, (struct scalar){SCALAR_BOOL, .b = value});
}

void tool_write(struct json_out *out, const struct mcp_server *server,
                const struct command *command)
{
    char *name = tool_name(command), *title = mem_format("trireme %s", command->name),
         *request = json_schema_request(command->request, run_field(command)),
         *reply = json_schema_reply(command->reply, server->role != TOOL_APPROVE);
    json_out_open(out, NULL, '{');
    json_out_text(out, "name", name);
    json_out_text(out, "title", title);
    json_out_text(out, "description", message_comment(command->request));
    json_out_literal(out, "inputSchema", request);
    json_out_literal(out, "outputSchema", reply);
    json_out_open(out, "annotations", '{');
    write_hint(out, "readOnlyHint", command->tool == TOOL_READ);
    write_hint(out, "destructiveHint", command->tool == TOOL_APPROVE);
    write_hint(out, "idempotentHint", command->tool == TOOL_READ);
    write_hint(out, "openWorldHint", false);
    json_out_close(out, '}');
    json_out_close(out, '}');
    free(name);
    free(title);
    free(request);
    free(reply);
}

/* Whether the field is an argument of the tool. */
static bool is_argument(const struct command *command, const ProtobufCFieldDescriptor *field)
{
    const struct field_doc *doc = field_doc(command->request, field);
    return doc != run_field(command) && !doc->of_terminal;
}

static int refuse_key(const struct command *command, const char *where, const char *key,
                      struct err *err)
{
    struct text names = {0}, clean = {0};
    struct near_name near = {.word = key};
    for (unsigned i = 0; i < command->request->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &command->request->fields[i];
        if (!is_argument(command, field))
            continue;
        text_printf(&names, "%s%s", names.size ? ", " : "", field->name);
        near_name_offer(&near, field->name);
    }
    value_write_clean(&clean, key);
    err_set(err, ERR_USAGE, "%s: found no argument '%s', expected %s%s%s%s%s", where,
            clean.bytes ? clean.bytes : "", names.size ? "one of " : "none",
            names.size ? names.bytes : "", near.best ? " (did you mean " : "",
            near.best ? near.best : "", near.best ? "?)" : "");
    text_clear(&names);
    text_clear(&clean);
    return -1;
}

/* Whether each key is an argument, and each argument that is needed is there. */
static int check_keys(const struct command *command, const char *where,
                      const struct node *arguments, struct err *err)
{
    const ProtobufCMessageDescriptor *type = command->request;
    for (size_t i = 0; arguments && i < arguments->n; i++) {
        const char *key = arguments->children[i].key;
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(type, key);
        if (!field || !is_argument(command, field))
            return refuse_key(command, where, key, err);
    }
    for (unsigned i = 0; i < type->n_fields; i++) {
        const struct node *given = node_get(arguments, type->fields[i].name);
        if (type->fields[i].label == PROTOBUF_C_LABEL_REQUIRED &&
            is_argument(command, &type->fields[i]) && (!given || given->kind == NODE_NULL))
            return err_set(err, ERR_USAGE, "%s: found no %s, which is needed: %s", where,
                           type->fields[i].name, field_doc(type, &type->fields[i])->comment);
    }
    return 0;
}

/* Moves what a node holds into one of its own. */
static struct node *take(struct node *node)
{
    struct node *own = mem_new(1, sizeof *own);
    *own = *node;
    *node = (struct node){.kind = NODE_NULL, .key = own->key};
    own->key = NULL;
    return own;
}

/* Sets what the server knows: the run, and that a client which only proposes is a planner. */
static int set_known(const struct mcp_server *server, const struct command *command, void *request,
                     struct err *err)
{
    const bool speaks = protobuf_c_message_descriptor_get_field_by_name(command->request, "as");
    if (message_set_path(request, run_field(command)->field, server->run, "run", err) < 0)
        return -1;
    return speaks && server->role != TOOL_APPROVE
               ? message_set_path(request, "as", "planner", "as", err)
               : 0;
}

void *tool_request(const struct mcp_server *server, const struct command *command,
                   struct node *arguments, struct err *err)
{
    char *where = tool_name(command);
    void *request = message_new(command->request);
    int rc = 0;
    if (arguments && arguments->kind != NODE_MAP)
        rc = err_set(err, ERR_USAGE, "%s: arguments: expected an object", where);
    if (rc == 0)
        rc = check_keys(command, where, arguments, err);
    if (rc == 0 && arguments)
        rc = node_read(request, take(arguments), where, ERR_USAGE, err);
    if (rc == 0)
        rc = set_known(server, command, request, err);
    free(where);
    if (rc == 0)
        return request;
    message_free(request);
    return NULL;
}

char *tool_run(const struct mcp_server *server, const struct command *command, const void *request,
               struct err *err)
{
    const bool all = server->role == TOOL_APPROVE;
    void *reply = message_new(command->reply);
    char *json = NULL;
    if (command->run(request, reply, err) == 0)
        json = all ? json_write(reply) : json_write_public(reply);
    message_free(reply);
    if (all)
        return json;
    char *shown = no_path(json ? json : err->text, server->run, json != NULL);
    free(json);
    if (json)
        return shown;
    err_set(err, err->code, "%s", shown);
    free(shown);
    return NULL;
}
