#include "tests/unit/support.h"

#include "proto/schema/message.h"
#include "proto/schema/option.h"

#include "command.pb-c.h"

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Writes a request as arguments, and reads them back. */
static void check_round_trip(const void *request, const char *const *expected)
{
    struct err err;
    bool help;
    size_t n = 0;
    char **words = options_write(request, &n);
    for (size_t i = 0; i < n && expected[i]; i++)
        assert_string_equal(words[i], expected[i]);
    assert_null(expected[n]);
    assert_null(words[n]);
    void *again = message_new(((const ProtobufCMessage *)request)->descriptor);
    assert_int_equal(options_read(again, (int)n, words, &help, &err), 0);
    assert_true(message_equal(again, request));
    message_free(again);
    for (size_t i = 0; i < n; i++)
        free(words[i]);
    free(words);
}

static void what_was_read_is_written_as_arguments_that_read_the_same(void **state)
{
    (void)state;
    struct err err;
    bool help;
    char *words[] = {"--set=--x=1", "run.yaml",    "--max-seconds", "1.5",     "--out",
                     "-r",          "--servers=1", "--set",         "a.b= c d"};
    Trireme__TrainRequest *request = message_new(&trireme__train_request__descriptor);
    assert_int_equal(options_read(request, sizeof words / sizeof *words, words, &help, &err), 0);
    check_round_trip(request, ARGS("--out=-r", "--set=--x=1", "--set=a.b= c d", "--max-seconds=1.5",
                                   "--", "run.yaml"));
    message_free(request);
    char *flag = "--schema";
    Trireme__ConfigRequest *bare = message_new(&trireme__config_request__descriptor);
    assert_int_equal(options_read(bare, 1, &flag, &help, &err), 0);
    check_round_trip(bare, ARGS("--schema=true"));
    message_free(bare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_read_is_written_as_arguments_that_read_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
