/* The protocol over HTTP ("Streamable HTTP"): a message a POST, its reply as JSON.
 *
 * One thread; libmicrohttpd reads and writes. What a request must be is in http_check.h, how long a
 * connection may take and how many there may be in http_clients.h. Bodies are at most
 * JSONRPC_BYTES_MAX bytes. Who comes with the token is answered 429 beyond `burst` requests at once
 * and `rate` more a second, and 503 while CALLS_MAX calls are under way or connections are too
 * many; both say Retry-After. A client that closes its connection, or its sending half, ends the
 * call that it waits for; notifications/cancelled ends none, since nobody can tell whose id it is.
 * Local. */
#pragma once
#include "base/err.h"
#include "launcher/http/http_clients.h"
#include "launcher/http/http_listen.h"
#include "launcher/mcp/tool.h"

#include <stdint.h>

extern const struct http_limits http_limits; /* of servers for people */

/* Called once, when the server listens at http://AUTHORITY/mcp. */
typedef void (*http_ready_fn)(void *context, const char *authority);

/* What is served, where, to whom. All borrowed, constant. */
struct http_service {
    const struct mcp_server *server;
    const struct http_listen *listen;
    const struct http_limits *limits;
    const char *token;
};

/* Serves until stop_fd can be read. *messages: how many were read. ERR_USAGE if it cannot listen
 * there, or if this build has no libmicrohttpd. */
int http_serve(const struct http_service *service, int stop_fd, http_ready_fn ready, void *context,
               uint64_t *messages, struct err *err);
