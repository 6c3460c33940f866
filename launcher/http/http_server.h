/* The protocol over HTTP ("Streamable HTTP"): a message a POST, its reply as JSON.
 *
 * One thread; libmicrohttpd reads and writes. What a request must be is in http_check.h. Bodies are
 * at most JSONRPC_BYTES_MAX bytes; HTTP_CONNECTIONS at a time; beyond HTTP_BURST requests at once
 * and HTTP_RATE more a second the answer is 429. A client that leaves does not end its call, which
 * ends in its own time. Local. */
#pragma once
#include "base/err.h"
#include "launcher/http/http_listen.h"
#include "launcher/mcp/tool.h"

#include <stdint.h>

enum { HTTP_CONNECTIONS = 64, HTTP_BURST = 100, HTTP_RATE = 20 };

/* Called once, when the server listens at http://AUTHORITY/mcp. */
typedef void (*http_ready_fn)(void *context, const char *authority);

/* Serves until stop_fd can be read. *messages: how many were read. ERR_USAGE if it cannot listen
 * there, or if this build has no libmicrohttpd. */
int http_serve(const struct mcp_server *server, const struct http_listen *listen, const char *token,
               int stop_fd, http_ready_fn ready, void *context, uint64_t *messages,
               struct err *err);
