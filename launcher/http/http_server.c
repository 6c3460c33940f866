#include "launcher/http/http_server.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "launcher/http/http_check.h"
#include "launcher/mcp/calls.h"
#include "launcher/mcp/jsonrpc.h"

const struct http_limits http_limits = {.connections = 64,
                                        .spare = 16,
                                        .burst = 100,
                                        .rate = 20,
                                        .request_seconds = 30,
                                        .reply_seconds = 60};

#ifdef TRIREME_HTTP
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_BYTES = 32768, GONE = -1 /* a status that nobody reads */ };

struct serving {
    const struct http_service *service;
    struct http_site site;
    struct http_clients *clients;
    struct calls *calls;
    struct http_bucket bucket;
    bool closed; /* a connection was, in the library's last turn: it accepts again in its next */
    uint64_t messages;
};

/* A request, from its head to its reply. */
struct exchange {
    struct MHD_Connection *connection;
    struct http_client *client; /* borrowed: it lives as long as the connection */
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
    if (status == 429 || status == 503)
        MHD_add_response_header(response, "Retry-After", "1");
    if (status == 400 || status == 503) // no byte behind it is a request
        MHD_add_response_header(response, "Connection", "close");
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

/* Whether one of http_once is there twice: counts in *counts, of n_http_once. */
static enum MHD_Result count(void *counts, enum MHD_ValueKind kind, const char *name,
                             const char *value)
{
    (void)kind, (void)value;
    for (size_t i = 0; i < n_http_once; i++)
        ((unsigned *)counts)[i] += strcasecmp(name, http_once[i]) == 0;
    return MHD_YES;
}

static bool repeats(struct MHD_Connection *connection)
{
    unsigned counts[16] = {0};
    bool any = false;
    MHD_get_connection_values(connection, MHD_HEADER_KIND, count, counts);
    for (size_t i = 0; i < n_http_once; i++)
        any = any || counts[i] > 1;
    return any;
}

static struct http_client *client_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
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
                                   .accept = header(connection, "Accept"),
                                   .content_length = header(connection, "Content-Length"),
                                   .transfer_encoding = header(connection, "Transfer-Encoding"),
                                   .repeats = repeats(connection)};
    const struct http_limits *limits = s->service->limits;
    if (http_client_is_too_many(client_of(connection))) {
        *sentence = "found more connections than there may be";
        return 503;
    }
    const int status = http_check(&s->site, &head, sentence);
    if (status || http_bucket_take(&s->bucket, limits->burst, limits->rate, clock_now()))
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
    mcp_read(&answered, s->service->server, &headers,
             exchange->body.size ? exchange->body.bytes : "", exchange->body.size);
    free(version);
    free(method);
    free(name);
    exchange->status = answered.status;
    if (answered.call) {
        answered.reply = calls_start(s->calls, answered.call, exchange);
        answered.call = NULL;
        exchange->waits = !answered.reply;
        if (answered.reply)
            exchange->status = 503;
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
    struct http_client *client = client_of(connection);
    const char *sentence = NULL;
    (void)version;
    if (!exchange) {
        const int status = look(s, connection, path, method, &sentence);
        http_client_enter(client, status ? HTTP_REPLY : HTTP_BODY, clock_now());
        if (status)
            return refuse(connection, status, sentence);
        *state = exchange = mem_new(1, sizeof *exchange);
        exchange->connection = connection;
        exchange->client = client;
        return MHD_YES;
    }
    if (*size) {
        exchange->too_long = exchange->too_long || exchange->body.size + *size > JSONRPC_BYTES_MAX;
        if (!exchange->too_long)
            text_add_bytes(&exchange->body, bytes, *size);
        *size = 0;
        return MHD_YES;
    }
    if (!exchange->too_long && !exchange->status)
        answer(s, exchange);
    http_client_enter(client, exchange->waits ? HTTP_CALL : HTTP_REPLY, clock_now());
    if (exchange->too_long)
        return refuse(connection, 413, "found a body of more than a mebibyte");
    if (exchange->status == GONE)
        return MHD_NO;
    if (!exchange->waits)
        return respond(connection, exchange->status, exchange->reply);
    MHD_suspend_connection(connection);
    return MHD_YES;
}

/* A connection begins or ends. */
static void notified(void *context, struct MHD_Connection *connection, void **state,
                     enum MHD_ConnectionNotificationCode what)
{
    struct serving *s = context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *state = http_clients_add(
            s->clients,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
            clock_now());
    else
        http_clients_remove(*state), s->closed = true;
}

static void completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode why)
{
    struct serving *s = context;
    struct exchange *exchange = *state;
    (void)why;
    http_client_enter(client_of(connection), HTTP_HEAD, clock_now());
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

/* Ends the calls of clients that have left. owners: those of calls_poll, with their polls. */
static void end_left(struct serving *s, void *const *owners, const struct pollfd *polls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct exchange *exchange = owners[i];
        if (!polls[i].revents)
            continue;
        calls_forget(s->calls, exchange);
        exchange->status = GONE;
        hand_reply(exchange, NULL);
    }
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
    struct pollfd polls[2 * CALLS_MAX + 2]; // calls, the clients that wait for them, and these two
    void *owners[CALLS_MAX];
    const size_t n = calls_poll(s->calls, polls, owners), last = 2 * n + 1;
    MHD_UNSIGNED_LONG_LONG idle_ms;
    double bounds[] = {calls_patience(s->calls), http_clients_look(s->clients, clock_now()),
                       s->closed ? 0 : -1, -1};
    double seconds = -1;
    for (size_t i = 0; i < n; i++)
        polls[n + i] = (struct pollfd){.fd = http_client_fd(((struct exchange *)owners[i])->client),
                                       .events = POLLRDHUP};
    polls[last - 1] = (struct pollfd){.fd = daemon_fd, .events = POLLIN};
    polls[last] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
    if (MHD_get_timeout(daemon, &idle_ms) == MHD_YES)
        bounds[3] = (double)idle_ms / 1000;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (bounds[i] >= 0 && (seconds < 0 || bounds[i] < seconds))
            seconds = bounds[i];
    if (poll(polls, (nfds_t)last + 1, seconds < 0 ? -1 : (int)(seconds * 1000) + 1) <= 0)
        return false;
    end_left(s, owners, polls + n, n);
    return polls[last].revents != 0;
}

/* Texts with a % stay as they were sent: %00 would end a path early. */
static size_t keep(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context, (void)connection;
    return strlen(text);
}

static struct MHD_Daemon *start(struct serving *s)
{
    const struct http_listen *listen = s->service->listen;
    const struct http_limits *limits = s->service->limits;
    const bool v6 = listen->address.ss_family == AF_INET6;
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (v6 ? MHD_USE_IPv6 : 0), 0, NULL, NULL, handle,
        s, MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)&listen->address,
        MHD_OPTION_NOTIFY_COMPLETED, completed, s, MHD_OPTION_NOTIFY_CONNECTION, notified, s,
        MHD_OPTION_CONNECTION_LIMIT, limits->connections + limits->spare,
        MHD_OPTION_UNESCAPE_CALLBACK, keep, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES, MHD_OPTION_END);
}

int http_serve(const struct http_service *service, int stop_fd, http_ready_fn ready, void *context,
               uint64_t *messages, struct err *err)
{
    struct serving s = {.service = service,
                        .clients = http_clients_new(service->limits),
                        .calls = calls_new(service->server, CALLS_SECONDS, CALLS_REPLY_BYTES)};
    struct MHD_Daemon *daemon = start(&s);
    const union MHD_DaemonInfo *at =
        daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    const unsigned port = at ? at->port : 0; // the next question takes its place
    const union MHD_DaemonInfo *fd =
        at ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    char *authority = http_listen_authority(service->listen, port);
    int rc = 0;
    if (!fd) {
        rc = err_set(err, ERR_USAGE,
                     "--listen: cannot listen at %s: the port is taken, or the "
                     "address is none of this machine's",
                     authority);
    } else {
        const int daemon_fd = fd->epoll_fd;
        s.site = (struct http_site){authority, service->listen->is_loopback, service->token};
        ready(context, authority);
        while (!wait_for(&s, daemon, daemon_fd, stop_fd)) {
            hand_replies(&s);
            s.closed = false;
            MHD_run(daemon);
        }
        end_calls(&s, daemon);
    }
    if (daemon)
        MHD_stop_daemon(daemon);
    calls_free(s.calls);
    http_clients_free(s.clients);
    free(authority);
    *messages = s.messages;
    return rc;
}

#else

int http_serve(const struct http_service *service, int stop_fd, http_ready_fn ready, void *context,
               uint64_t *messages, struct err *err)
{
    (void)service, (void)stop_fd, (void)ready, (void)context;
    *messages = 0;
    return err_set(err, ERR_USAGE,
                   "--listen: this build has no HTTP: libmicrohttpd was missing when it was made");
}

#endif
