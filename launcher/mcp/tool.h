/* A tool: a row of the table of commands as clients of the Model Context Protocol see it.
 *
 * Its name is the command's words joined by '_', its schemas and descriptions are those of the
 * command's messages, its hints follow from the row's role. The server is for one run, so the
 * command's field for the run is none of the tool's arguments. A tool that only looks and needs no
 * argument (nor takes a list of them) is also a resource: trireme://run/NAME. Local. */
#pragma once
#include "base/err.h"
#include "launcher/command_row.h"

struct json_out;
struct node;

/* The commands, the run, and what the client may do. All borrowed, constant. */
struct mcp_server {
    const struct command *commands;
    size_t n_commands;
    const char *run; /* absolute path of its folder */
    enum tool_role role;
};

/* "proposals_approve"; the caller frees it. */
char *tool_name(const struct command *command);

/* Whether it is a tool for this client; whether it is a resource, too. */
bool tool_is_open(const struct mcp_server *server, const struct command *command);
bool tool_is_resource(const struct mcp_server *server, const struct command *command);

/* The open command of that name, or NULL. */
const struct command *tool_find(const struct mcp_server *server, const char *name);

/* Writes the tool as tools/list tells it. */
void tool_write(struct json_out *out, const struct mcp_server *server,
                const struct command *command);

/* Makes the command's request of a call's arguments (an object, or NULL), which is freed by
 * message_free. The content of the node is taken. NULL with a sentence that says what was found and
 * is expected. */
void *tool_request(const struct mcp_server *server, const struct command *command,
                   struct node *arguments, struct err *err);

/* Runs the command. Returns its reply as JSON, the bytes of the command's --json: all of it for who
 * may approve, for others what is public. NULL with a sentence, which names no path to those. The
 * caller frees it. */
char *tool_run(const struct mcp_server *server, const struct command *command, const void *request,
               struct err *err);
