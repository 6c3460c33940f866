/* A POST to a server of the test's own on a port of the system's choice: what it answers, byte for
 * byte, and what it was sent. */
#include "tests/unit/support.h"

#include "base/mem.h"
#include "launcher/llm/llm_http.h"
#include "launcher/llm/llm_key.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

/* Answers each connection with the same bytes; the blanks come before the body, one a second. */
struct server {
    pid_t pid;
    int asked; /* read end: what it was sent */
    char *url;
};

static _Noreturn void serve(int listener, int asked, const char *head, int blanks, const char *body)
{
    for (;;) {
        char bytes[4096];
        const int to = accept(listener, NULL, NULL);
        const ssize_t n = read(to, bytes, sizeof bytes);
        ssize_t written = write(asked, bytes, n > 0 ? (size_t)n : 0);
        written += write(to, head, strlen(head));
        for (int i = 0; i < blanks; i++) {
            written += write(to, "\n", 1);
            sleep(1);
        }
        written += write(to, body, strlen(body));
        shutdown(to, SHUT_WR);
        while (written && read(to, bytes, sizeof bytes) > 0)
            ;
        close(to);
    }
}

static struct server serve_by_process(const char *head, int blanks, const char *body)
{
    struct server s = {0};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int ends[2];
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    assert_int_equal(pipe(ends), 0);
    if ((s.pid = fork()) == 0) {
        signal(SIGPIPE, SIG_IGN);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        serve(listener, ends[1], head, blanks, body);
    }
    close(listener);
    close(ends[1]);
    s.asked = ends[0];
    s.url = mem_format("http://127.0.0.1:%d/v1/messages", ntohs(at.sin_port));
    return s;
}

/* Ends it; returns what it was sent, fresh. */
static char *server_end(struct server *s)
{
    char *asked = mem_new(1 << 16, 1);
    size_t size = 0;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    for (ssize_t n; (n = read(s->asked, asked + size, (1 << 16) - 1 - size)) > 0;)
        size += (size_t)n;
    close(s->asked);
    free(s->url);
    return asked;
}

static int post(struct llm_http_reply *reply, const char *url, const struct llm_key *key,
                struct err *err)
{
    return llm_http_post(reply, TRIREME__LLM__API__anthropic, url, "{}", key, 30, err);
}

static double retry_after(const char *value)
{
    struct err err = {.text = ""};
    struct llm_http_reply reply;
    char *head =
        mem_format("HTTP/1.1 429 Slow\r\nRetry-After: %s\r\nConnection: close\r\n\r\n", value);
    struct server s = serve_by_process(head, 0, "{}");
    assert_int_equal(post(&reply, s.url, NULL, &err), 0);
    assert_int_equal(reply.status, 429);
    text_clear(&reply.body);
    free(server_end(&s));
    free(head);
    return reply.retry_after;
}

static void a_servers_retry_after_is_seconds_or_a_date_and_never_negative(void **state)
{
    (void)state;
    char date[64];
    const time_t later = time(NULL) + 100;
    struct tm utc;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&later, &utc));
    const double seconds = retry_after(date);
    assert_true(seconds > 50 && seconds <= 100);
    assert_true(retry_after("7") == 7);
    assert_true(retry_after("-7") == 0);
    assert_true(retry_after("soon") == 0);
    assert_true(retry_after("Mon, 01 Jan 2001 00:00:00 GMT") == 0);
    assert_true(retry_after("99999999999999999999999999") >= 0);
}

static void no_redirect_is_followed_with_the_key(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    struct llm_http_reply reply;
    struct llm_key *key = llm_key_new("sk-of-the-test", 14, "key", &err);
    struct server other = serve_by_process(OK, 0, "{}");
    char *head =
        mem_format("HTTP/1.1 307 There\r\nLocation: %s\r\nConnection: close\r\n\r\n", other.url);
    struct server s = serve_by_process(head, 0, "");
    assert_int_equal(post(&reply, s.url, key, &err), 0);
    assert_int_equal(reply.status, 307);
    text_clear(&reply.body);
    char *asked = server_end(&s), *elsewhere = server_end(&other);
    assert_contains(asked, "x-api-key: sk-of-the-test\r\n");
    assert_string_equal(elsewhere, "");
    free(asked);
    free(elsewhere);
    free(head);
    llm_key_free(key);
}

static void a_server_of_this_host_is_reached_without_a_proxy(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    struct llm_http_reply reply;
    struct server proxy = serve_by_process(OK, 0, "proxy"), s = serve_by_process(OK, 0, "{}");
    setenv("http_proxy", proxy.url, 1);
    assert_int_equal(post(&reply, s.url, NULL, &err), 0);
    assert_string_equal(reply.body.bytes, "{}");
    text_clear(&reply.body);
    assert_int_equal(post(&reply, "http://model.invalid/v1/messages", NULL, &err), 0);
    assert_string_equal(reply.body.bytes, "proxy");
    text_clear(&reply.body);
    unsetenv("http_proxy");
    free(server_end(&s));
    free(server_end(&proxy));
}

static void blank_lines_are_no_answer_that_drips(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    struct llm_http_reply reply;
    struct server s = serve_by_process(OK, 12, "{}");
    if (post(&reply, s.url, NULL, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(reply.status, 200);
    assert_contains(reply.body.bytes, "{}");
    text_clear(&reply.body);
    free(server_end(&s));
}

static void no_sentence_names_more_than_the_host(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    struct llm_http_reply reply;
    assert_int_equal(post(&reply, "http://127.0.0.1:1/v1/hidden", NULL, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, "the model's server at 127.0.0.1:1: found no answer: ");
    assert_null(strstr(err.text, "hidden"));
    text_clear(&reply.body);
}

static void what_leaves_this_host_without_tls_is_in_clear(void **state)
{
    (void)state;
    assert_true(llm_http_in_clear("http://10.0.0.7:8080/v1"));
    assert_true(llm_http_in_clear("http://127.example.org/v1"));
    assert_true(llm_http_in_clear("http://localhosts/v1"));
    assert_false(llm_http_in_clear("https://10.0.0.7/v1"));
    assert_false(llm_http_in_clear("http://127.0.0.1:8080/v1"));
    assert_false(llm_http_in_clear("http://localhost/v1"));
    assert_false(llm_http_in_clear("http://[::1]:8080/v1"));
}

int main(void)
{
    enum { SKIPPED = 77 };
    if (!llm_http_there()) {
        print_message("skipped: this build has no libcurl\n");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_servers_retry_after_is_seconds_or_a_date_and_never_negative),
        cmocka_unit_test(no_redirect_is_followed_with_the_key),
        cmocka_unit_test(a_server_of_this_host_is_reached_without_a_proxy),
        cmocka_unit_test(blank_lines_are_no_answer_that_drips),
        cmocka_unit_test(no_sentence_names_more_than_the_host),
        cmocka_unit_test(what_leaves_this_host_without_tls_is_in_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
