#include "tests/unit/support.h"

#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/option.h"

#include "command.pb-c.h"

enum { MAX = 16 };

static int read_options(void *request, const char *const *args, bool *help, struct err *err)
{
    char *copies[MAX] = {NULL};
    int n = 0;
    for (; args[n]; n++)
        copies[n] = mem_strdup(args[n]);
    int result = options_read(request, n, copies, help, err);
    while (n)
        free(copies[--n]);
    return result;
}

static void *read_good(const ProtobufCMessageDescriptor *type, const char *const *args)
{
    struct err err = {.text = ""};
    bool help;
    void *request = message_new(type);
    if (read_options(request, args, &help, &err) != 0)
        fail_msg("%s", err.text);
    assert_false(help);
    return request;
}

static void assert_refused(const ProtobufCMessageDescriptor *type, const char *const *args,
                           const char *sentence)
{
    struct err err = {.text = ""};
    bool help;
    void *request = message_new(type), *before = message_new(type);
    assert_int_equal(read_options(request, args, &help, &err), -1);
    assert_string_equal(err.text, sentence);
    assert_int_equal(err.code, ERR_USAGE);
    assert_true(message_equal(request, before));
    message_free(request);
    message_free(before);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const ProtobufCMessageDescriptor *train = &trireme__train_request__descriptor;

static void positionals_and_options_may_be_mixed(void **state)
{
    (void)state;
    Trireme__TrainRequest *request = read_good(
        train, ARGS("--workers", "3", "run.yaml", "--max-seconds=1.5", "--out", "runs/a"));
    assert_string_equal(request->config, "run.yaml");
    assert_string_equal(request->out, "runs/a");
    assert_int_equal(request->workers, 3);
    assert_int_equal(request->servers, 1);
    assert_true(request->max_seconds == 1.5);
    assert_null(request->hostfile);
    message_free(request);
}

static void a_repeated_option_adds_to_its_list(void **state)
{
    (void)state;
    Trireme__TrainRequest *request =
        read_good(train, ARGS("c", "--set", "a=b: c #d", "--out=o", "--set=x=[1]"));
    assert_int_equal(request->n_set, 2);
    assert_string_equal(request->set[0], "a=b: c #d");
    assert_string_equal(request->set[1], "x=[1]");
    message_free(request);
}

static void a_repeated_positional_takes_all_and_needs_one(void **state)
{
    (void)state;
    Trireme__DataPrepareRequest *request = read_good(
        &trireme__data_prepare_request__descriptor, ARGS("a", "--out", "o", "b", "--", "--c", "-"));
    assert_int_equal(request->n_input, 4);
    assert_string_equal(request->input[2], "--c");
    assert_string_equal(request->input[3], "-");
    assert_string_equal(request->tokenizer, "byte");
    message_free(request);
    assert_refused(&trireme__data_prepare_request__descriptor, ARGS("--out", "o"),
                   "FILE|DIR: missing, expected it (Files, or folders whose files are taken, all "
                   "the way down.)");
}

static void a_repeated_positional_in_brackets_may_be_left_out(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *queue = &trireme__queue_request__descriptor;
    Trireme__QueueRequest *request = read_good(queue, ARGS("run"));
    assert_int_equal(request->n_numbers, 0);
    message_free(request);
    request = read_good(queue, ARGS("run", "3", "1"));
    assert_int_equal(request->n_numbers, 2);
    assert_int_equal(request->numbers[0], 3);
    message_free(request);
    assert_refused(queue, ARGS("run", "x"),
                   "N: found 'x', expected a whole number from 1 to 4294967295");
    char *help = options_help("queue", queue);
    assert_non_null(strstr(help, "usage: queue RUN [N]..."));
    free(help);
}

static void a_bool_is_an_option_without_a_value(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *config = &trireme__config_request__descriptor;
    Trireme__ConfigRequest *request = read_good(config, ARGS("--schema", "run.yaml"));
    assert_true(request->schema);
    assert_string_equal(request->config, "run.yaml");
    message_free(request);
    request = read_good(config, ARGS("run.yaml", "--schema=false"));
    assert_false(request->schema);
    message_free(request);
    assert_refused(config, ARGS("--schema=1"), "--schema: found '1', expected true or false");
}

static void an_optional_positional_may_be_left_out(void **state)
{
    (void)state;
    Trireme__ConfigRequest *request =
        read_good(&trireme__config_request__descriptor, ARGS("--schema"));
    assert_null(request->config);
    assert_true(request->schema);
    message_free(request);
}

static void a_value_may_begin_with_one_dash_and_by_an_equals_sign_with_two(void **state)
{
    (void)state;
    Trireme__SampleRequest *request = read_good(&trireme__sample_request__descriptor,
                                                ARGS("r", "--prompt", "- item", "--top-k=7"));
    assert_string_equal(request->prompt, "- item");
    assert_int_equal(request->top_k, 7);
    message_free(request);
    request = read_good(&trireme__sample_request__descriptor, ARGS("r", "--prompt=--x"));
    assert_string_equal(request->prompt, "--x");
    message_free(request);
    assert_refused(train, ARGS("c", "--out", "--set"),
                   "--out: found nothing behind it, expected text");
    assert_refused(train, ARGS("c", "--workers"),
                   "--workers: found nothing behind it, expected a whole number from 0 to 100000");
}

static void an_unknown_option_is_refused_with_the_nearest_one(void **state)
{
    (void)state;
    assert_refused(train, ARGS("c", "--wrokers", "3"),
                   "'--wrokers': unknown option, expected one of --out, --set, --workers, "
                   "--servers, --hostfile, "
                   "--max-seconds, --help (did you mean --workers?)");
    assert_refused(train, ARGS("c", "--max_seconds=3"),
                   "'--max_seconds': unknown option, expected one of --out, --set, --workers, "
                   "--servers, --hostfile, "
                   "--max-seconds, --help (did you mean --max-seconds?)");
    assert_refused(
        train, ARGS("c", "-x"),
        "'-x': unknown option, expected one of --out, --set, --workers, --servers, --hostfile, "
        "--max-seconds, --help");
    assert_refused(&trireme__ckpt_hash_request__descriptor, ARGS("--checkpoint", "c"),
                   "'--checkpoint': unknown option, expected one of --help");
}

static void bad_missing_and_doubled_arguments_are_refused(void **state)
{
    (void)state;
    assert_refused(train, ARGS("c", "--out", "o", "--workers", "many"),
                   "--workers: found 'many', expected a whole number from 0 to 100000");
    assert_refused(train, ARGS("c", "--out", "o", "--servers", "0"),
                   "--servers: found '0', expected a whole number from 1 to 100000");
    assert_refused(train, ARGS("c"), "--out: missing, expected it (The run's folder.)");
    assert_refused(train, ARGS("--out", "o"),
                   "CONFIG.yaml: missing, expected it (The configuration.)");
    assert_refused(train, ARGS("c", "--out", "o", "--out", "p"),
                   "--out: found a second time, expected once");
    assert_refused(train, ARGS("c", "d", "--out", "o"), "found 'd', expected no more arguments");
}

static void help_is_seen_before_anything_is_checked(void **state)
{
    (void)state;
    struct err err;
    bool help = false;
    void *request = message_new(train);
    assert_int_equal(read_options(request, ARGS("--nonsense", "-h"), &help, &err), 0);
    assert_true(help);
    assert_int_equal(read_options(request, ARGS("c", "--out", "o", "--help"), &help, &err), 0);
    assert_true(help);
    assert_int_equal(read_options(request, ARGS("--out", "o", "--", "--help"), &help, &err), 0);
    assert_false(help);
    message_free(request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positionals_and_options_may_be_mixed),
        cmocka_unit_test(a_repeated_option_adds_to_its_list),
        cmocka_unit_test(a_repeated_positional_takes_all_and_needs_one),
        cmocka_unit_test(a_repeated_positional_in_brackets_may_be_left_out),
        cmocka_unit_test(a_bool_is_an_option_without_a_value),
        cmocka_unit_test(an_optional_positional_may_be_left_out),
        cmocka_unit_test(a_value_may_begin_with_one_dash_and_by_an_equals_sign_with_two),
        cmocka_unit_test(an_unknown_option_is_refused_with_the_nearest_one),
        cmocka_unit_test(bad_missing_and_doubled_arguments_are_refused),
        cmocka_unit_test(help_is_seen_before_anything_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
