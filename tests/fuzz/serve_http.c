/* Serves the tools of a run that is not there over HTTP, with the token that is its argument, at a
 * port that it tells ("127.0.0.1:4711", a line), until its standard input ends. Its bounds in time
 * are short, and requests may come as fast as they like. */
#include "launcher/commands/command.h"
#include "launcher/http/http_server.h"

#include <stdio.h>
#include <unistd.h>

static void tell(void *context, const char *authority)
{
    (void)context;
    printf("%s\n", authority);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct http_limits limits = {.connections = 64,
                                              .spare = 16,
                                              .burst = 1e9,
                                              .rate = 1e9,
                                              .request_seconds = 3,
                                              .reply_seconds = 3};
    const struct mcp_server server = {commands, n_commands, "/run", TOOL_PROPOSE};
    struct http_listen listen;
    struct err err = {.text = ""};
    uint64_t messages = 0;
    if (argc != 2 || http_listen_read(&listen, "127.0.0.1:0", false, &err) < 0)
        return ERR_USAGE;
    const struct http_service service = {&server, &listen, &limits, argv[1]};
    if (http_serve(&service, STDIN_FILENO, tell, NULL, &messages, &err) < 0) {
        printf("%s\n", err.text);
        return err.code;
    }
    return 0;
}
