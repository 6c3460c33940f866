#include "launcher/mcp/mcp_stdio.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "launcher/mcp/calls.h"
#include "launcher/mcp/jsonrpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double LAST_SECONDS = 5;

struct serving {
    const struct mcp_server *server;
    struct calls *calls;
    int in, out;
    struct text line; /* what was read of the next line */
    bool too_long;    /* its beginning was thrown away */
    bool ended;       /* the input has */
    uint64_t messages;
};

static int write_line(int out, const char *text, struct err *err)
{
    char *line = mem_format("%s\n", text);
    size_t size = strlen(line), done = 0;
    while (done < size) {
        const ssize_t n = write(out, line + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(line);
            return err_set(err, ERR_MACHINE, "standard output: cannot write: %s", strerror(errno));
        }
        done += (size_t)n;
    }
    free(line);
    return 0;
}

static int answer_line(struct serving *s, const char *bytes, size_t size, struct err *err)
{
    struct mcp_answer answer;
    int rc = 0;
    s->messages++;
    mcp_read(&answer, s->server, NULL, bytes, size);
    if (answer.cancelled)
        calls_cancel(s->calls, answer.cancelled);
    if (answer.call) {
        answer.reply = calls_start(s->calls, answer.call, NULL);
        answer.call = NULL;
    }
    if (answer.reply)
        rc = write_line(s->out, answer.reply, err);
    mcp_answer_clear(&answer);
    return rc;
}

static int refuse_long(struct serving *s, struct err *err)
{
    char *why = mem_format("found a line of more than %d bytes", JSONRPC_BYTES_MAX);
    char *reply = jsonrpc_error(NULL, JSONRPC_NO_REQUEST, why, NULL);
    const int rc = write_line(s->out, reply, err);
    free(reply);
    free(why);
    return rc;
}

/* Takes one line's end, or what the input ended with. Blank lines are none. */
static int take_line(struct serving *s, struct err *err)
{
    int rc = 0;
    if (s->too_long)
        rc = refuse_long(s, err);
    else if (s->line.size && strspn(s->line.bytes, " \t\r") < s->line.size)
        rc = answer_line(s, s->line.bytes, s->line.size, err);
    text_clear(&s->line);
    s->too_long = false;
    return rc;
}

static int take_bytes(struct serving *s, const char *bytes, size_t size, struct err *err)
{
    int rc = 0;
    while (rc == 0 && size) {
        const char *end = memchr(bytes, '\n', size);
        const size_t n = end ? (size_t)(end - bytes) : size;
        if (s->line.size + n > JSONRPC_BYTES_MAX)
            s->too_long = true, text_clear(&s->line);
        if (!s->too_long)
            text_add_bytes(&s->line, bytes, n);
        if (end)
            rc = take_line(s, err);
        bytes += n + (end != NULL);
        size -= n + (end != NULL);
    }
    return rc;
}

static int read_some(struct serving *s, struct err *err)
{
    char bytes[65536];
    const ssize_t n = read(s->in, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n < 0)
        return err_set(err, ERR_MACHINE, "standard input: cannot read: %s", strerror(errno));
    if (n > 0)
        return take_bytes(s, bytes, (size_t)n, err);
    s->ended = true;
    return take_line(s, err);
}

static int write_replies(struct serving *s, struct err *err)
{
    void *owner;
    int rc = 0;
    for (char *reply; rc == 0 && (reply = calls_next(s->calls, &owner)); free(reply))
        rc = write_line(s->out, reply, err);
    return rc;
}

/* Waits until there is something to read, or a call's time is over. */
static short wait_for(struct serving *s, double seconds)
{
    struct pollfd polls[CALLS_MAX + 1];
    const size_t n = calls_poll(s->calls, polls, NULL);
    polls[n] = (struct pollfd){.fd = s->ended ? -1 : s->in, .events = POLLIN};
    const double patience = calls_patience(s->calls);
    if (patience >= 0 && (seconds < 0 || patience < seconds))
        seconds = patience;
    poll(polls, (nfds_t)n + 1, seconds < 0 ? -1 : (int)(seconds * 1000) + 1);
    return polls[n].revents;
}

int mcp_stdio_serve(const struct mcp_server *server, int in, int out, uint64_t *messages,
                    struct err *err)
{
    struct serving s = {.server = server,
                        .calls = calls_new(server, CALLS_SECONDS, CALLS_REPLY_BYTES),
                        .in = in,
                        .out = out};
    int rc = 0;
    while (rc == 0 && !s.ended) {
        if (wait_for(&s, -1))
            rc = read_some(&s, err);
        if (rc == 0)
            rc = write_replies(&s, err);
    }
    for (const double end = clock_now() + LAST_SECONDS;
         rc == 0 && calls_under_way(s.calls) && clock_now() < end;) {
        wait_for(&s, end - clock_now());
        rc = write_replies(&s, err);
    }
    *messages = s.messages;
    calls_free(s.calls);
    text_clear(&s.line);
    return rc;
}
