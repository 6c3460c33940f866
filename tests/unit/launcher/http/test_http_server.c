/* A server in a thread with short bounds, and clients that leave, dawdle, crowd and send requests
 * of two ends. */
#include "tests/unit/support.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "launcher/http/http_server.h"
#include "launcher/mcp/calls.h"

#include "command.pb-c.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const double long_enough = 30; /* seconds, for what an idle machine does at once */
static _Atomic pid_t *calling;        /* processes of calls that wait; shared with them */

/* Waits for ever, and says who waits; of number 1 it answers at once. */
static int show(const void *request, void *reply, struct err *err)
{
    (void)reply, (void)err;
    const uint32_t number = ((const Trireme__ProposalsShowRequest *)request)->number;
    for (size_t i = 0; number != 1; i++) {
        pid_t none = 0;
        if (i < CALLS_MAX && atomic_compare_exchange_strong(&calling[i], &none, getpid()))
            for (;;)
                pause();
    }
    return 0;
}

static const struct command table[] = {
    {"proposals show", &trireme__proposals_show_request__descriptor,
     &trireme__proposals_show_reply__descriptor, show, NULL, NULL, COMMAND_ALONE, TOOL_READ}
};

static const struct http_limits usual = {.connections = 32,
                                         .spare = 4,
                                         .burst = 1000,
                                         .rate = 1000,
                                         .request_seconds = 60,
                                         .reply_seconds = 60};

struct serving {
    struct http_limits limits;
    pthread_t thread;
    int stop[2], told[2];
    unsigned port;
    int rc;
    struct err err;
};

static void tell(void *context, const char *authority)
{
    const struct serving *s = context;
    assert_true(write(s->told[1], strrchr(authority, ':') + 1, 6) > 0);
}

static void *serve(void *context)
{
    struct serving *s = context;
    const struct mcp_server server = {table, 1, "/run", TOOL_READ};
    struct http_listen listen;
    uint64_t messages;
    assert_int_equal(http_listen_read(&listen, "127.0.0.1:0", false, &s->err), 0);
    const struct http_service service = {&server, &listen, &s->limits, "s3cret"};
    s->rc = http_serve(&service, s->stop[0], tell, s, &messages, &s->err);
    close(s->told[1]);
    return NULL;
}

/* Begins it. False where this build has no HTTP. */
static bool begin(struct serving *s, const struct http_limits *limits)
{
    char port[8] = "";
    *s = (struct serving){.limits = *limits};
    for (size_t i = 0; i < CALLS_MAX; i++)
        calling[i] = 0;
    assert_int_equal(pipe(s->stop), 0);
    assert_int_equal(pipe(s->told), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    if (read(s->told[0], port, sizeof port - 1) <= 0) {
        assert_contains(s->err.text, "libmicrohttpd");
        pthread_join(s->thread, NULL);
        return false;
    }
    s->port = (unsigned)atoi(port);
    return true;
}

static void end(struct serving *s)
{
    close(s->stop[1]);
    pthread_join(s->thread, NULL);
    assert_int_equal(s->rc, 0);
    close(s->stop[0]);
    close(s->told[0]);
}

static int join(const struct serving *s)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)s->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* A request with the token and whatever headers more ("Name: value\r\n"); the caller's. */
static char *request(const struct serving *s, const char *more, const char *body)
{
    return mem_format("POST /mcp HTTP/1.1\r\nHost: localhost:%u\r\nAuthorization: Bearer s3cret\r\n"
                      "Content-Type: application/json\r\n%s\r\n%s",
                      s->port, more, body);
}

/* The same with the length of its body. */
static void ask(int fd, const struct serving *s, const char *more, const char *body)
{
    char *headers = mem_format("%sContent-Length: %zu\r\n", more, strlen(body)),
         *text = request(s, headers, body);
    say(fd, text);
    free(text);
    free(headers);
}

static void ask_show(int fd, const struct serving *s, unsigned number)
{
    char *body = mem_format("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":{"
                            "\"name\":\"proposals_show\",\"arguments\":{\"number\":%u}}}",
                            number);
    ask(fd, s, "", body);
    free(body);
}

static const char ping[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";

/* What comes until the end of the connection, or within so many seconds; the caller's. */
static char *hear(int fd, double seconds)
{
    struct text heard = {0};
    const double until = clock_now() + seconds;
    for (double left; (left = until - clock_now()) > 0;) {
        char bytes[4096];
        struct pollfd poll_it = {.fd = fd, .events = POLLIN};
        if (poll(&poll_it, 1, (int)(left * 1000) + 1) <= 0)
            break;
        const ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0)
            break;
        text_add_bytes(&heard, bytes, (size_t)n);
    }
    return heard.bytes ? text_take(&heard) : mem_strdup("");
}

/* The status of the next response, which has that part (or NULL); 0: the connection ended. */
static int status_of(int fd, const char *part)
{
    char bytes[4096];
    struct pollfd poll_it = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poll_it, 1, (int)(long_enough * 1000)), 1);
    const ssize_t n = read(fd, bytes, sizeof bytes - 1);
    if (n <= 0)
        return 0;
    bytes[n] = 0;
    if (part)
        assert_contains(bytes, part);
    return atoi(bytes + strlen("HTTP/1.1 "));
}

static void assert_serves(const struct serving *s)
{
    const int fd = join(s);
    ask(fd, s, "", ping);
    assert_int_equal(status_of(fd, "\"result\":{}"), 200);
    close(fd);
}

static size_t n_calling(void)
{
    size_t n = 0;
    for (size_t i = 0; i < CALLS_MAX; i++)
        n += calling[i] && (kill(calling[i], 0) == 0 || errno != ESRCH);
    return n;
}

static void await_calling(size_t n)
{
    for (const double until = clock_now() + long_enough; n_calling() != n;) {
        if (clock_now() > until)
            fail_msg("found %zu calls under way, expected %zu", n_calling(), n);
        clock_sleep(0.002);
    }
}

static void a_client_that_leaves_ends_its_call_and_no_others(void **state)
{
    (void)state;
    struct serving s;
    if (!begin(&s, &usual))
        skip();
    const int stays = join(&s), leaves = join(&s), half = join(&s);
    ask_show(stays, &s, 2);
    ask_show(leaves, &s, 2);
    ask_show(half, &s, 2);
    await_calling(3);
    ask(leaves, &s, "", ping); // what waits behind it does not hide that it leaves
    close(leaves);
    await_calling(2);
    shutdown(half, SHUT_WR);
    await_calling(1);
    assert_int_equal(status_of(half, NULL), 0);
    assert_serves(&s);
    assert_int_equal(n_calling(), 1);
    close(stays);
    await_calling(0);
    close(half);
    end(&s);
}

/* Sends a part again and again. Returns the seconds until it cannot any more. */
static double dribble(int fd, const char *part)
{
    const double began = clock_now();
    while (clock_now() < began + long_enough &&
           send(fd, part, strlen(part), MSG_NOSIGNAL) == (ssize_t)strlen(part))
        clock_sleep(0.05);
    return clock_now() - began;
}

static void a_client_that_sends_a_byte_now_and_then_is_shut_out_in_time(void **state)
{
    (void)state;
    struct http_limits limits = usual;
    limits.request_seconds = 0.5;
    struct serving s;
    if (!begin(&s, &limits))
        skip();
    char *body = request(&s, "Transfer-Encoding: chunked\r\n", "");
    const char *const slow[][2] = {
        {"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "a"         }, // a head without end
        {"",                                                  "\r\n"      }, // no first line
        {body,                                                "1\r\n \r\n"}, // a body without end
    };
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        const int fd = join(&s);
        say(fd, slow[i][0]);
        const double seconds = dribble(fd, slow[i][1]);
        if (seconds < 0.4 || seconds > long_enough)
            fail_msg("client %zu: found it shut out after %g s, expected 0.5", i, seconds);
        assert_serves(&s);
        close(fd);
    }
    free(body);
    end(&s);
}

static void a_client_that_does_not_read_its_replies_is_shut_out_in_time(void **state)
{
    (void)state;
    static const char steer[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/get\","
                                "\"params\":{\"name\":\"steer\"}}";
    struct http_limits limits = usual;
    limits.reply_seconds = 0.5;
    limits.burst = limits.rate = 1e9;
    struct serving s;
    if (!begin(&s, &limits))
        skip();
    const int fd = join(&s);
    const double began = clock_now();
    char *length = mem_format("Content-Length: %zu\r\n", strlen(steer)),
         *text = request(&s, length, steer);
    bool shut = false;
    while (!shut && clock_now() < began + long_enough) {
        struct pollfd room = {.fd = fd, .events = POLLOUT};
        poll(&room, 1, 100);
        shut = room.revents & (POLLHUP | POLLERR) ||
               (send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN);
    }
    assert_true(shut);
    assert_serves(&s);
    close(fd);
    free(text);
    free(length);
    end(&s);
}

static void more_connections_than_there_may_be_are_told_to_come_again(void **state)
{
    (void)state;
    struct http_limits limits = usual;
    limits.connections = 2;
    struct serving s;
    if (!begin(&s, &limits))
        skip();
    const int first = join(&s), second = join(&s);
    ask_show(first, &s, 2);
    ask_show(second, &s, 2);
    await_calling(2);
    const int third = join(&s);
    ask(third, &s, "", ping);
    char *heard = hear(third, long_enough); // it is closed behind the refusal
    assert_contains(heard, "HTTP/1.1 503 ");
    assert_contains(heard, "Retry-After: 1");
    assert_contains(heard, "more connections than there may be");
    free(heard);
    close(third);
    close(first);
    await_calling(1);
    assert_serves(&s);
    close(second);
    end(&s);
}

static void idle_connections_make_room_for_one_that_asks(void **state)
{
    (void)state;
    struct http_limits limits = usual;
    limits.connections = 2, limits.spare = 1;
    struct serving s;
    if (!begin(&s, &limits))
        skip();
    int idle[8];
    for (size_t i = 0; i < 8; i++)
        idle[i] = join(&s);
    int status = 503; // while the others are young
    for (const double until = clock_now() + long_enough; status == 503 && clock_now() < until;) {
        const int fd = join(&s);
        ask(fd, &s, "", ping);
        status = status_of(fd, NULL);
        close(fd);
    }
    assert_int_equal(status, 200);
    for (size_t i = 0; i < 8; i++)
        close(idle[i]);
    end(&s);
}

static void more_calls_than_there_may_be_are_told_to_come_again(void **state)
{
    (void)state;
    struct serving s;
    if (!begin(&s, &usual))
        skip();
    int fds[CALLS_MAX];
    for (size_t i = 0; i < CALLS_MAX; i++)
        fds[i] = join(&s), ask_show(fds[i], &s, 2);
    await_calling(CALLS_MAX);
    const int more = join(&s);
    ask_show(more, &s, 1);
    char *heard = hear(more, long_enough);
    assert_contains(heard, "HTTP/1.1 503 ");
    assert_contains(heard, "Retry-After: 1");
    assert_contains(heard, "16 calls under way");
    assert_contains(heard, "\"id\":5");
    free(heard);
    close(more);
    close(fds[3]);
    await_calling(CALLS_MAX - 1);
    const int again = join(&s);
    ask_show(again, &s, 1);
    assert_int_equal(status_of(again, "\"isError\":false"), 200);
    close(again);
    for (size_t i = 0; i < CALLS_MAX; i++)
        if (i != 3)
            close(fds[i]);
    await_calling(0);
    end(&s);
}

static void
requests_beyond_the_rate_are_told_to_wait_and_those_without_the_token_use_none_up(void **state)
{
    (void)state;
    struct http_limits limits = usual;
    limits.burst = 3, limits.rate = 1e-6;
    struct serving s;
    if (!begin(&s, &limits))
        skip();
    for (int i = 0; i < 20; i++) {
        const int fd = join(&s);
        say(fd, "POST /mcp HTTP/1.1\r\nHost: evil\r\nContent-Length: 0\r\n\r\n");
        assert_int_equal(status_of(fd, NULL), 403);
        close(fd);
    }
    for (int i = 0; i < 3; i++)
        assert_serves(&s);
    const int fd = join(&s);
    ask(fd, &s, "", ping);
    assert_int_equal(status_of(fd, "Retry-After: 1"), 429);
    close(fd);
    end(&s);
}

static void bytes_behind_a_request_of_two_ends_are_not_read_as_another(void **state)
{
    (void)state;
    static const char *const two[] = {"Transfer-Encoding: chunked\r\n", "Host: localhost\r\n",
                                      "Content-Length: 0\r\n", "Transfer-Encoding: gzip\r\n",
                                      "Authorization: Bearer x\r\n"};
    struct serving s;
    if (!begin(&s, &usual))
        skip();
    for (size_t i = 0; i < sizeof two / sizeof *two; i++) {
        const int fd = join(&s);
        ask(fd, &s, two[i], ping);
        ask(fd, &s, "", ping);
        char *heard = hear(fd, long_enough);
        assert_contains(heard, "HTTP/1.1 400 ");
        assert_null(strstr(heard, "200 OK"));
        free(heard);
        close(fd);
    }
    assert_serves(&s);
    end(&s);
}

static int make_shared(void **state)
{
    (void)state;
    calling = mmap(NULL, CALLS_MAX * sizeof *calling, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return calling == MAP_FAILED ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_leaves_ends_its_call_and_no_others),
        cmocka_unit_test(a_client_that_sends_a_byte_now_and_then_is_shut_out_in_time),
        cmocka_unit_test(a_client_that_does_not_read_its_replies_is_shut_out_in_time),
        cmocka_unit_test(more_connections_than_there_may_be_are_told_to_come_again),
        cmocka_unit_test(idle_connections_make_room_for_one_that_asks),
        cmocka_unit_test(more_calls_than_there_may_be_are_told_to_come_again),
        cmocka_unit_test(
            requests_beyond_the_rate_are_told_to_wait_and_those_without_the_token_use_none_up),
        cmocka_unit_test(bytes_behind_a_request_of_two_ends_are_not_read_as_another),
    };
    return cmocka_run_group_tests(tests, make_shared, NULL);
}
