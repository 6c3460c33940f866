/* trireme mcp: the run's commands as tools, for clients of the Model Context Protocol. */
#include "base/mem.h"
#include "coordinator/run/secret.h"
#include "launcher/commands/command.h"
#include "launcher/commands/person.h"
#include "launcher/http/http_check.h"
#include "launcher/http/http_server.h"
#include "launcher/http/http_token.h"
#include "launcher/mcp/mcp_stdio.h"
#include "proto/config/run_config.h"

#include "command.pb-c.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { HTTP_NICENESS = 5 /* whoever floods it takes no time of the training's */ };

static enum tool_role role_of(Trireme__McpRequest__Role role)
{
    static const enum tool_role roles[] = {
        [TRIREME__MCP_REQUEST__ROLE__read] = TOOL_READ,
        [TRIREME__MCP_REQUEST__ROLE__propose] = TOOL_PROPOSE,
        [TRIREME__MCP_REQUEST__ROLE__approve] = TOOL_APPROVE,
    };
    return roles[role];
}

static void tell(void *context, const char *authority)
{
    const char *token = context;
    fprintf(stderr, "serving http://%s" HTTP_PATH "\ntoken %s\n", authority, token);
    fflush(stderr);
}

/* A descriptor that can be read once this process is asked to end. */
static int open_stop(struct err *err)
{
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGHUP);
    sigprocmask(SIG_BLOCK, &stops, NULL);
    const int fd = signalfd(-1, &stops, SFD_CLOEXEC);
    return fd < 0 ? err_set(err, ERR_MACHINE, "no signalfd: %s", strerror(errno)) : fd;
}

static const char *role_name(const Trireme__McpRequest *r)
{
    return protobuf_c_enum_descriptor_get_value(&trireme__mcp_request__role__descriptor,
                                                (int)r->role)
        ->name;
}

/* Only persons see what judges and decide: the role takes the run's secret, whatever the way in.
 * Whose programs can read that gets a token which follows from it, the same at each start. A file
 * in RUN would tell a person's to programs that are kept from the secret: *told is false then. */
static int make_token(char token[HTTP_TOKEN_SIZE], bool *told, const char *run,
                      const Trireme__McpRequest *r, struct err *err)
{
    _Static_assert((int)HTTP_TOKEN_SIZE == (int)SECRET_TOKEN_SIZE, "both of 64 digits");
    struct secret *secret = NULL;
    int rc = person_open_secret(&secret, run, err);
    if (rc == 1) {
        secret_token(token, secret, "mcp", role_name(r));
        *told = r->role != TRIREME__MCP_REQUEST__ROLE__approve || !secret_separates(secret);
        rc = 0;
    } else if (rc == 0) {
        rc = r->role == TRIREME__MCP_REQUEST__ROLE__approve ? -1 : http_token_random(token, err);
    }
    secret_free(secret);
    return rc;
}

static int serve_http(const struct mcp_server *server, const Trireme__McpRequest *r,
                      const char token[HTTP_TOKEN_SIZE], bool told, uint64_t *messages,
                      struct err *err)
{
    struct http_listen listen;
    if (http_listen_read(&listen, r->listen, r->anywhere, err) < 0)
        return -1;
    char *path = mem_format("%s/mcp-%s.token", server->run, role_name(r));
    const int stop = open_stop(err);
    int rc = stop < 0 ? -1 : told ? http_token_write(path, token, err) : 0;
    if (rc == 0) {
        if (nice(HTTP_NICENESS) < 0)
            errno = 0;
        const struct http_service service = {server, &listen, &http_limits, token};
        rc = http_serve(&service, stop, tell, (void *)token, messages, err);
        if (told)
            unlink(path);
    }
    if (stop >= 0)
        close(stop);
    free(path);
    return rc;
}

int command_mcp(const void *request, void *reply, struct err *err)
{
    const Trireme__McpRequest *r = request;
    Trireme__McpReply *done = reply;
    char token[HTTP_TOKEN_SIZE];
    if (run_config_exists(r->run, err) < 0)
        return -1;
    const bool needed = r->listen || r->role == TRIREME__MCP_REQUEST__ROLE__approve;
    bool told = true;
    if (needed && make_token(token, &told, r->run, r, err) < 0)
        return -1;
    char *run = realpath(r->run, NULL);
    if (!run)
        return err_set(err, ERR_USAGE, "%s: cannot look at it: %s", r->run, strerror(errno));
    const struct mcp_server server = {commands, n_commands, run, role_of(r->role)};
    done->has_messages = true;
    const int rc =
        r->listen ? serve_http(&server, r, token, told, &done->messages, err)
                  : mcp_stdio_serve(&server, STDIN_FILENO, STDOUT_FILENO, &done->messages, err);
    free(run);
    return rc;
}
