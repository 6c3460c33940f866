/* What a request must be before its body is looked at; values of headers; the rate. */
#include "tests/unit/support.h"

#include "launcher/http/http_check.h"

static const struct http_site site = {"127.0.0.1:4711", true, "s3cret"};
static const struct http_head good = {.method = "POST",
                                      .path = "/mcp",
                                      .host = "127.0.0.1:4711",
                                      .authorization = "Bearer s3cret",
                                      .content_type = "application/json",
                                      .accept = "application/json, text/event-stream"};

static void assert_status(const struct http_site *where, struct http_head head, int expected)
{
    const char *sentence = "";
    const int status = http_check(where, &head, &sentence);
    if (status != expected)
        fail_msg("found %d (%s), expected %d", status, sentence, expected);
    assert_true(!status || strlen(sentence) > 10);
}

static void a_sound_request_passes(void **state)
{
    (void)state;
    struct http_head head = good;
    assert_status(&site, head, 0);
    head.host = "LOCALHOST:4711", head.origin = "http://localhost:4711";
    head.authorization = "bearer s3cret", head.content_type = "application/json; charset=utf-8";
    head.accept = NULL;
    assert_status(&site, head, 0);
    head.host = head.origin = NULL, head.host = "[::1]:4711", head.accept = "*/*";
    assert_status(&site, head, 0);
}

static void names_and_pages_of_others_are_refused_before_the_token_is_looked_at(void **state)
{
    (void)state;
    static const char *const hosts[] = {NULL,        "evil.example:4711",   "127.0.0.1",
                                        "localhost", "127.0.0.1:4712",      "localhost.evil:4711",
                                        "",          "evil@127.0.0.1:4711", "127.0.0.1:47110"};
    static const char *const origins[] = {"null",
                                          "",
                                          "http://evil.example",
                                          "https://localhost:4711",
                                          "http://localhost",
                                          "http://localhost:4711.evil",
                                          "http://localhost:4712",
                                          "file://"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct http_head head = good;
        head.host = hosts[i], head.authorization = NULL;
        assert_status(&site, head, 403);
    }
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        struct http_head head = good;
        head.origin = origins[i], head.authorization = NULL;
        assert_status(&site, head, 403);
    }
}

static void only_the_whole_token_passes(void **state)
{
    (void)state;
    static const char *const wrong[] = {NULL,
                                        "",
                                        "s3cret",
                                        "Bearer ",
                                        "Bearer s3cre",
                                        "Bearer s3crets",
                                        "Bearer S3cret",
                                        "Basic s3cret",
                                        "Bearer  s3cret"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct http_head head = good;
        head.authorization = wrong[i];
        assert_status(&site, head, 401);
    }
}

static void a_request_whose_end_readers_may_find_elsewhere_is_refused_first(void **state)
{
    (void)state;
    struct http_head head = good;
    head.transfer_encoding = "chunked", assert_status(&site, head, 0);
    head.transfer_encoding = NULL, head.content_length = "7", assert_status(&site, head, 0);
    head.transfer_encoding = "chunked", assert_status(&site, head, 400);
    head.content_length = NULL;
    static const char *const codings[] = {"gzip", "gzip, chunked", "chunked, chunked", "",
                                          "xchunked"};
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        head.transfer_encoding = codings[i];
        assert_status(&site, head, 400);
    }
    head = good, head.repeats = true, head.authorization = NULL;
    assert_status(&site, head, 400);
}

static void place_method_and_types_have_their_own_status(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET", "DELETE", "PUT", "OPTIONS", "HEAD", "post"};
    struct http_head head = good;
    head.path = "/", assert_status(&site, head, 404);
    head.path = "/mcp/", assert_status(&site, head, 404);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        head = good, head.method = methods[i];
        assert_status(&site, head, 405);
    }
    head = good, head.content_type = NULL, assert_status(&site, head, 415);
    head = good, head.content_type = "text/plain", assert_status(&site, head, 415);
    head = good, head.content_type = "application/jsonp", assert_status(&site, head, 415);
    head = good, head.accept = "text/html", assert_status(&site, head, 406);
}

static void where_other_machines_come_in_a_page_must_be_of_the_host_that_it_asks(void **state)
{
    (void)state;
    const struct http_site open = {"0.0.0.0:80", false, "s3cret"};
    struct http_head head = good;
    head.host = "node7:80";
    assert_status(&open, head, 0);
    head.origin = "http://node7:80";
    assert_status(&open, head, 0);
    head.origin = "http://other:80";
    assert_status(&open, head, 403);
    head.host = NULL;
    assert_status(&open, head, 403);
}

static void values_in_base64_are_decoded_and_others_are_as_they_are(void **state)
{
    (void)state;
    // of RFC 4648 and of the protocol's own page
    static const char *const values[][2] = {
        {"tools/call",                      "tools/call"                     },
        {"=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, \xe4\xb8\x96\xe7\x95\x8c"},
        {"=?base64?IHBhZGRlZCA=?=",         " padded "                       },
        {"=?base64?Zm9vYmFy?=",             "foobar"                         },
        {"  sample \t",                     "sample"                         },
        {" =?base64?Zm9vYmFy?= ",           "foobar"                         },
        {"  ",                              ""                               },
        {"=?base64?",                       "=?base64?"                      },
    };
    static const char *const bad[] = {"=?base64?A?=", "=?base64?AA=A?=", "=?base64?====?=",
                                      "=?base64?AAAA?=", "=?base64?Zm9v!mFy?="};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char *value = http_value(values[i][0]);
        assert_non_null(value);
        assert_string_equal(value, values[i][1]);
        free(value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (http_value(bad[i]))
            fail_msg("%s was decoded", bad[i]);
}

static void a_bucket_gives_its_size_at_once_and_then_its_rate(void **state)
{
    (void)state;
    struct http_bucket bucket = {0};
    int taken = 0;
    for (int i = 0; i < 100; i++)
        taken += http_bucket_take(&bucket, 10, 2, 1000);
    assert_int_equal(taken, 10);
    for (int i = 0; i < 100; i++)
        taken += http_bucket_take(&bucket, 10, 2, 1001.5);
    assert_int_equal(taken, 13);
    for (int i = 0; i < 100; i++)
        taken += http_bucket_take(&bucket, 10, 2, 9000);
    assert_int_equal(taken, 23);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_request_passes),
        cmocka_unit_test(names_and_pages_of_others_are_refused_before_the_token_is_looked_at),
        cmocka_unit_test(only_the_whole_token_passes),
        cmocka_unit_test(a_request_whose_end_readers_may_find_elsewhere_is_refused_first),
        cmocka_unit_test(place_method_and_types_have_their_own_status),
        cmocka_unit_test(where_other_machines_come_in_a_page_must_be_of_the_host_that_it_asks),
        cmocka_unit_test(values_in_base64_are_decoded_and_others_are_as_they_are),
        cmocka_unit_test(a_bucket_gives_its_size_at_once_and_then_its_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
