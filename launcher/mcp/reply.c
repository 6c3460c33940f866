#include "launcher/mcp/reply.h"

#include "base/version.h"
#include "launcher/mcp/jsonrpc.h"

#include <stdlib.h>

void reply_server_info(struct json_out *out, const char *key)
{
    json_out_open(out, key, '{');
    json_out_text(out, "name", "trireme");
    json_out_text(out, "version", TRIREME_VERSION);
    json_out_close(out, '}');
}

void reply_open(struct json_out *out, enum mcp_era era)
{
    json_out_open(out, NULL, '{');
    if (era == MCP_MODERN)
        json_out_text(out, "resultType", "complete");
}

void reply_keep(struct json_out *out, enum mcp_era era, unsigned ms)
{
    if (era == MCP_LEGACY)
        return;
    json_out_scalar(out, "ttlMs", (struct scalar){SCALAR_UINT, .u = ms});
    json_out_text(out, "cacheScope", "private"); // what it holds depends on the role
}

char *reply_close(struct json_out *out, enum mcp_era era, const char *id)
{
    if (era == MCP_MODERN) {
        json_out_open(out, "_meta", '{');
        reply_server_info(out, "io.modelcontextprotocol/serverInfo");
        json_out_close(out, '}');
    }
    json_out_close(out, '}');
    char *result = json_out_take(out), *reply = jsonrpc_result(id, result);
    free(result);
    return reply;
}
