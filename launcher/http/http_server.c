#include "launcher/http/http_server.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "launcher/http/http_check.h"
#include "launcher/mcp/calls.h"
#include "launcher/mcp/jsonrpc.h"

#ifdef TRIREME_HTTP
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_SECONDS = 30, HEAD_BYTES = 32768 };

struct serving {
    const struct mcp_server *server;
    struct http_site site;
    struct calls *calls;
    struct http_bucket bucket;
    uint64_t messages;
};

/* A request, from its head to its reply. */
struct exchange {
    struct MHD_Connection *connection;
    struct text body;
    bool too_long, waits; /* waits: for its call */
    int status;
    char *reply; /* or NULL */
};

static enum MHD_Result respond(struct MHD_Connection *connection, int status, const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        text ? strlen(text) : 0, (void *)(text ? text : ""), MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    if (text)
        MHD_add_response_header(response, "Content-Type", "application/json");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    if (status == 405)
        MHD_add_response_header(response, "Allow", "POST");
    if (status == 401)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer realm=\"trireme\"");
    if (status == 429)
        MHD_add_response_header(response, "Retry-After", "1");
    const enum MHD_Result queued = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, int status, const char *sentence)
{
    char *text = jsonrpc_error(NULL, JSONRPC_NO_REQUEST, sentence, NULL);
    const enum MHD_Result queued = respond(connection, status, text);
    free(text);
    return queued;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* The same without blanks, decoded; the caller frees it. NULL: it is not there, or not sound. */
static char *value_of(struct MHD_Connection *connection, const char *name)
{
    const char *value = header(connection, name);
    return value ? http_value(value) : NULL;
}

/* Looks at the head of a request. Returns 0, or the status of the refusal. */
static int look(struct serving *s, struct MHD_Connection *connection, const char *path,
                const char *method, const char **sentence)
{
    const struct http_head head = {.method = method,
                                   .path = path,
                                   .host = header(connection, "Host"),
                                   .origin = header(connection, "Origin"),
                                   .authorization = header(connection, "Authorization"),
                                   .content_type = header(connection, "Content-Type"),
                                   .accept = header(connection, "Accept")};
    const int status = http_check(&s->site, &head, sentence);
    if (status || http_bucket_take(&s->bucket, HTTP_BURST, HTTP_RATE, clock_now()))
        return status;
    *sentence = "found more requests than may come in a second";
    return 429;
}

/* Answers a whole body, or hands its call out. */
static void answer(struct serving *s, struct exchange *exchange)
{
    struct MHD_Connection *connection = exchange->connection;
    char *version = value_of(connection, "MCP-Protocol-Version"),
         *method = value_of(connection, "Mcp-Method"), *name = value_of(connection, "Mcp-Name");
    const struct mcp_headers headers = {version, method, name};
    struct mcp_answer answered;
    s->messages++;
    mcp_read(&answered, s->server, &headers, exchange->body.size ? exchange->body.bytes : "",
             exchange->body.size);
    free(version);
    free(method);
    free(name);
    exchange->status = answered.status;
    if (answered.call) {
        answered.reply = calls_start(s->calls, answered.call, exchange);
        answered.call = NULL;
        exchange->waits = !answered.reply;
    }
    exchange->reply = answered.reply;
    answered.reply = NULL;
    mcp_answer_clear(&answered); // a call over HTTP is ended by its own time alone
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *bytes,
                              size_t *size, void **state)
{
    struct serving *s = context;
    struct exchange *exchange = *state;
    const char *sentence = NULL;
    (void)version;
    if (!exchange) {
        const int status = look(s, connection, path, method, &sentence);
        if (status)
            return refuse(connection, status, sentence);
        *state = exchange = mem_new(1, sizeof *exchange);
        exchange->connection = connection;
        return MHD_YES;
    }
    if (*size) {
        exchange->too_long = exchange->too_long || exchange->body.size + *size > JSONRPC_BYTES_MAX;
        if (!exchange->too_long)
            text_add_bytes(&exchange->body, bytes, *size);
        *size = 0;
        return MHD_YES;
    }
    if (exchange->too_long)
        return refuse(connection, 413, "found a body of more than a mebibyte");
    if (!exchange->status)
        answer(s, exchange);
    if (!exchange->waits)
        return respond(connection, exchange->status, exchange->reply);
    MHD_suspend_connection(connection);
    return MHD_YES;
}

static void completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode why)
{
    struct serving *s = context;
    struct exchange *exchange = *state;
    (void)connection, (void)why;
    if (!exchange)
        return;
    calls_forget(s->calls, exchange);
    text_clear(&exchange->body);
    free(exchange->reply);
    free(exchange);
    *state = NULL;
}

static void hand_reply(struct exchange *exchange, char *reply)
{
    exchange->reply = reply;
    exchange->waits = false;
    MHD_resume_connection(exchange->connection);
}

static void hand_replies(struct serving *s)
{
    void *owner;
    for (char *reply; (reply = calls_next(s->calls, &owner));)
        hand_reply(owner, reply);
}

/* The library must not be stopped while connections wait. */
static void end_calls(struct serving *s, struct MHD_Daemon *daemon)
{
    void *owner;
    for (char *reply; (reply = calls_end(s->calls, "the server was stopped", &owner));)
        hand_reply(owner, reply);
    MHD_run(daemon);
}

/* Waits until a connection, a call or the stop has something to say. Returns whether to stop. */
static bool wait_for(struct serving *s, struct MHD_Daemon *daemon, int daemon_fd, int stop_fd)
{
    struct pollfd polls[CALLS_MAX + 2];
    const size_t n = calls_poll(s->calls, polls);
    MHD_UNSIGNED_LONG_LONG idle_ms;
    double seconds = calls_patience(s->calls);
    polls[n] = (struct pollfd){.fd = daemon_fd, .events = POLLIN};
    polls[n + 1] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
    if (MHD_get_timeout(daemon, &idle_ms) == MHD_YES &&
        (seconds < 0 || (double)idle_ms / 1000 < seconds))
        seconds = (double)idle_ms / 1000;
    poll(polls, (nfds_t)n + 2, seconds < 0 ? -1 : (int)(seconds * 1000) + 1);
    return polls[n + 1].revents != 0;
}

int http_serve(const struct mcp_server *server, const struct http_listen *listen, const char *token,
               int stop_fd, http_ready_fn ready, void *context, uint64_t *messages, struct err *err)
{
    struct serving s = {.server = server, .calls = calls_new(server, CALLS_SECONDS)};
    char *wanted = http_listen_authority(listen, 0);
    const bool v6 = listen->address.ss_family == AF_INET6;
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (v6 ? MHD_USE_IPv6 : 0), 0, NULL, NULL, handle,
        &s, MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)&listen->address,
        MHD_OPTION_NOTIFY_COMPLETED, completed, &s, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES, MHD_OPTION_END);
    const union MHD_DaemonInfo *at =
        daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    const union MHD_DaemonInfo *fd =
        daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    int rc = 0;
    if (!at || !fd) {
        rc = err_set(err, ERR_USAGE,
                     "--listen: cannot listen at %s: the port is taken, or the "
                     "address is none of this machine's",
                     wanted);
    } else {
        const unsigned port = at->port;
        const int daemon_fd = fd->epoll_fd;
        char *authority = http_listen_authority(listen, port);
        s.site = (struct http_site){authority, listen->is_loopback, token};
        ready(context, authority);
        while (!wait_for(&s, daemon, daemon_fd, stop_fd)) {
            hand_replies(&s);
            MHD_run(daemon);
        }
        end_calls(&s, daemon);
        free(authority);
    }
    if (daemon)
        MHD_stop_daemon(daemon);
    calls_free(s.calls);
    free(wanted);
    *messages = s.messages;
    return rc;
}

#else

int http_serve(const struct mcp_server *server, const struct http_listen *listen, const char *token,
               int stop_fd, http_ready_fn ready, void *context, uint64_t *messages, struct err *err)
{
    (void)server, (void)listen, (void)token, (void)stop_fd, (void)ready, (void)context;
    *messages = 0;
    return err_set(err, ERR_USAGE,
                   "--listen: this build has no HTTP: libmicrohttpd was missing when it was made");
}

#endif
