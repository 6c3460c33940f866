/* How long a connection may take, and which goes when there are too many. */
#include "tests/unit/support.h"

#include "launcher/http/http_clients.h"

#include <sys/socket.h>
#include <unistd.h>

static const struct http_limits limits = {
    .connections = 2, .spare = 1, .request_seconds = 30, .reply_seconds = 60};

struct pair {
    int ours, theirs;
};

static struct pair open_pair(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    return (struct pair){fds[0], fds[1]};
}

static void close_pair(struct pair pair)
{
    close(pair.ours);
    close(pair.theirs);
}

static bool is_shut(struct pair pair)
{
    char byte;
    return read(pair.ours, &byte, 1) == 0;
}

static void a_connection_is_shut_once_a_phase_takes_too_long(void **state)
{
    (void)state;
    static const struct {
        enum http_phase phase;
        double bound;
    } rows[] = {
        {HTTP_HEAD,  30},
        {HTTP_BODY,  30},
        {HTTP_REPLY, 60}
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_clients *clients = http_clients_new(&limits);
        const struct pair pair = open_pair();
        struct http_client *client = http_clients_add(clients, pair.ours, 100);
        assert_int_equal(http_client_fd(client), pair.ours);
        http_client_enter(client, rows[i].phase, 110);
        assert_true(http_clients_look(clients, 110 + rows[i].bound - 1) == 1);
        assert_false(is_shut(pair));
        assert_true(http_clients_look(clients, 110 + rows[i].bound) < 0);
        assert_true(is_shut(pair));
        http_clients_free(clients);
        close_pair(pair);
    }
}

static void a_call_has_its_own_bound(void **state)
{
    (void)state;
    struct http_clients *clients = http_clients_new(&limits);
    const struct pair pair = open_pair();
    http_client_enter(http_clients_add(clients, pair.ours, 100), HTTP_CALL, 100);
    assert_true(http_clients_look(clients, 1e6) < 0);
    assert_false(is_shut(pair));
    http_clients_free(clients);
    close_pair(pair);
}

static void a_new_one_takes_the_place_of_the_oldest_that_has_asked_for_nothing(void **state)
{
    (void)state;
    struct http_clients *clients = http_clients_new(&limits);
    const struct pair busy = open_pair(), idle = open_pair(), new = open_pair();
    http_client_enter(http_clients_add(clients, busy.ours, 100), HTTP_CALL, 100);
    struct http_client *goes = http_clients_add(clients, idle.ours, 101);
    assert_false(http_client_is_too_many(http_clients_add(clients, new.ours, 103)));
    assert_true(is_shut(idle));
    assert_false(is_shut(busy));
    assert_false(is_shut(new));
    http_clients_remove(goes);
    http_clients_free(clients);
    close_pair(busy), close_pair(idle), close_pair(new);
}

static void where_none_may_go_the_new_one_is_too_many_and_has_a_second(void **state)
{
    (void)state;
    struct http_clients *clients = http_clients_new(&limits);
    const struct pair busy = open_pair(), young = open_pair(), new = open_pair();
    http_client_enter(http_clients_add(clients, busy.ours, 100), HTTP_BODY, 100);
    http_clients_add(clients, young.ours, 100.5);
    struct http_client *last = http_clients_add(clients, new.ours, 101);
    assert_true(http_client_is_too_many(last));
    assert_true(http_clients_look(clients, 101.5) == 0.5);
    http_clients_look(clients, 102.5);
    assert_true(is_shut(new));
    assert_false(is_shut(busy));
    assert_false(is_shut(young));
    http_clients_remove(last); // its place is free again
    const struct pair next = open_pair();
    assert_false(http_client_is_too_many(http_clients_add(clients, next.ours, 103)));
    assert_true(is_shut(young));
    http_clients_free(clients);
    close_pair(busy), close_pair(young), close_pair(new), close_pair(next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_is_shut_once_a_phase_takes_too_long),
        cmocka_unit_test(a_call_has_its_own_bound),
        cmocka_unit_test(a_new_one_takes_the_place_of_the_oldest_that_has_asked_for_nothing),
        cmocka_unit_test(where_none_may_go_the_new_one_is_too_many_and_has_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
