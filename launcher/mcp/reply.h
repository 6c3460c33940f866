/* Results of the protocol, in both eras: the modern one says what kind of result it is, who made it
 * and how long it may be kept. Private to launcher/mcp. Pure. */
#pragma once
#include "launcher/mcp/mcp.h"
#include "proto/schema/json_out.h"

/* A result, from its first brace to its last one. */
void reply_open(struct json_out *out, enum mcp_era era);
char *reply_close(struct json_out *out, enum mcp_era era, const char *id);

/* How long a client may keep a result, in the modern era. */
void reply_keep(struct json_out *out, enum mcp_era era, unsigned ms);

/* {"name": "trireme", "version": ...} */
void reply_server_info(struct json_out *out, const char *key);
