/* The Model Context Protocol: a message of a client in, what is to be done out.
 *
 * Two eras. The legacy one (revisions 2024-11-05 to 2025-11-25) begins with `initialize`; the
 * modern one (2026-07-28) says its revision in each request's params._meta, and has
 * `server/discover`. Which one a message belongs to stands in the message, so that nothing is kept
 * between messages and one server speaks both at once. Tools are the commands (tool.h); so are
 * resources; one prompt (craft.h) says how to steer a run. Lists have one page. Not offered:
 * subscriptions, logging, completion, sampling, and lists of messages.
 *
 * What a tool was told wrongly is a result with isError and a sentence to act upon; a method, tool
 * or resource that is not there is a protocol error. A call takes time, so it is handed out:
 * whoever serves runs it where it does not hold up others (call.h). All functions here but
 * mcp_call_run are pure. */
#pragma once
#include "launcher/mcp/tool.h"

#include <stddef.h>

/* Codes of errors beside those of JSON-RPC. */
enum mcp_code {
    MCP_HEADER_MISMATCH = -32020,
    MCP_UNSUPPORTED_VERSION = -32022,
    MCP_LEGACY_NO_RESOURCE = -32002
};

enum mcp_era { MCP_LEGACY, MCP_MODERN };

/* What HTTP says of a message besides; each NULL where the header is not there. */
struct mcp_headers {
    const char *version, *method, *name;
};

/* A command to be run for a client. */
struct mcp_call {
    char *id; /* of the request, as JSON */
    enum mcp_era era;
    const struct command *command;
    void *request;
    char *uri; /* of the resource that it is read for; NULL: it is a tool's call */
};

struct mcp_answer {
    char *reply;           /* one line without its end; NULL: none, or not yet */
    struct mcp_call *call; /* whose reply is to come; or NULL */
    char *cancelled;       /* id, as JSON, of a call that is to end without a reply; or NULL */
    int status;            /* HTTP's */
};

/* Reads a message and answers it. headers: NULL where there are none (stdio). The answer is cleared
 * by mcp_answer_clear; its call may be taken out of it. */
void mcp_read(struct mcp_answer *answer, const struct mcp_server *server,
              const struct mcp_headers *headers, const char *bytes, size_t size);
void mcp_answer_clear(struct mcp_answer *answer);

/* Runs a call. Returns the reply, which the caller frees. It may take as long as the request says
 * that it waits. */
char *mcp_call_run(const struct mcp_server *server, const struct mcp_call *call);

/* The reply to a call that was not run, or not to its end; the caller frees it. */
char *mcp_call_refuse(const struct mcp_call *call, const char *sentence);
void mcp_call_free(struct mcp_call *call); /* accepts NULL */
