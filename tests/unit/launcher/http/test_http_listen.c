/* Where a server may listen. */
#include "tests/unit/support.h"

#include "launcher/http/http_listen.h"

static void addresses_of_this_machine_are_read_and_told_with_their_port(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"127.0.0.1:0",     "127.0.0.1:7"},
        {"localhost:80",    "127.0.0.1:7"},
        {"127.1.2.3:65535", "127.1.2.3:7"},
        {"[::1]:80",        "[::1]:7"    }
    };
    struct err err;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct http_listen listen;
        assert_int_equal(http_listen_read(&listen, texts[i][0], false, &err), 0);
        assert_true(listen.is_loopback);
        char *authority = http_listen_authority(&listen, 7);
        assert_string_equal(authority, texts[i][1]);
        free(authority);
    }
}

static void others_are_refused_unless_anywhere_is_said(void **state)
{
    (void)state;
    static const char *const open[] = {"0.0.0.0:80", "[::]:80", "10.0.0.1:80"};
    struct err err;
    struct http_listen listen;
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        assert_int_equal(http_listen_read(&listen, open[i], false, &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        assert_contains(err.text, "--anywhere");
        assert_int_equal(http_listen_read(&listen, open[i], true, &err), 0);
        assert_false(listen.is_loopback);
    }
}

static void what_is_no_address_and_port_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",       "80",    "127.0.0.1",       "127.0.0.1:", ":80",  "x:80",        "127.0.0.1:x",
        "::1:80", "[::1]", "127.0.0.1:99999", "[:80",       "]:80", "127.0.0.1:-1"};
    struct err err;
    struct http_listen listen;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (http_listen_read(&listen, bad[i], true, &err) == 0)
            fail_msg("'%s' was read", bad[i]);
        assert_contains(err.text, "expected ADDRESS:PORT");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_this_machine_are_read_and_told_with_their_port),
        cmocka_unit_test(others_are_refused_unless_anywhere_is_said),
        cmocka_unit_test(what_is_no_address_and_port_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
