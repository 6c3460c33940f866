/* trireme mcp: the run's commands as tools, for clients of the Model Context Protocol. */
#include "base/mem.h"
#include "launcher/commands/command.h"
#include "launcher/mcp/mcp_stdio.h"
#include "proto/config/run_config.h"

#include "command.pb-c.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum tool_role role_of(Trireme__McpRequest__Role role)
{
    static const enum tool_role roles[] = {
        [TRIREME__MCP_REQUEST__ROLE__read] = TOOL_READ,
        [TRIREME__MCP_REQUEST__ROLE__propose] = TOOL_PROPOSE,
        [TRIREME__MCP_REQUEST__ROLE__approve] = TOOL_APPROVE,
    };
    return roles[role];
}

int command_mcp(const void *request, void *reply, struct err *err)
{
    const Trireme__McpRequest *r = request;
    Trireme__McpReply *done = reply;
    if (run_config_exists(r->run, err) < 0)
        return -1;
    char *run = realpath(r->run, NULL);
    if (!run)
        return err_set(err, ERR_USAGE, "%s: cannot look at it: %s", r->run, strerror(errno));
    const struct mcp_server server = {commands, n_commands, run, role_of(r->role)};
    done->has_messages = true;
    const int rc = mcp_stdio_serve(&server, STDIN_FILENO, STDOUT_FILENO, &done->messages, err);
    free(run);
    return rc;
}
