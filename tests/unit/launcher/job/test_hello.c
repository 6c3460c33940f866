#include "tests/unit/support.h"

#include "base/mem.h"
#include "launcher/job/hello.h"
#include "proto/net/endpoint.h"
#include "proto/net/local_transport.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"

static const char *const train[] = {"train", NULL}, *const resume[] = {"resume", NULL};

static Trireme__TrainRequest *request_new(const char *out, unsigned servers)
{
    Trireme__TrainRequest *r = message_new(&trireme__train_request__descriptor);
    r->config = mem_strdup("run.yaml");
    r->out = mem_strdup(out);
    r->has_servers = 1, r->servers = servers;
    r->set = mem_new(1, sizeof *r->set);
    r->set[r->n_set++] = mem_strdup("train.steps=5");
    return r;
}

/* What rank 0, with out "run" and one server, says of a rank with these. */
static int compare(const char *const *command, Trireme__TrainRequest *theirs, uint64_t steps,
                   const struct err *refused, struct err *err)
{
    Trireme__TrainRequest *mine = request_new("run", 1);
    Trireme__Config *config = message_new(&trireme__config__descriptor),
                    *other = message_new(&trireme__config__descriptor);
    other->train->steps = steps ? steps : config->train->steps;
    Trireme__Hello *a = hello_new(train, mine, config, NULL),
                   *b = hello_new(command, theirs, other, refused);
    *err = (struct err){0};
    const int rc = hello_compare(a, b, mine, 3, err);
    message_free(a);
    message_free(b);
    message_free(config);
    message_free(other);
    message_free(mine);
    message_free(theirs);
    return rc;
}

static void a_rank_that_was_started_alike_is_taken(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(compare(train, request_new("run", 1), 0, NULL, &err), 0);
}

static void a_rank_that_was_started_differently_is_refused_by_rank_and_field(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(compare(train, request_new("run", 2), 0, NULL, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "rank 3 (on ");
    assert_contains(err.text, "another --servers: found 2, rank 0 has 1");
    assert_int_equal(compare(train, request_new("run7", 1), 0, NULL, &err), -1);
    assert_contains(err.text, "another --out: found run7, rank 0 has run");
    Trireme__TrainRequest *r = request_new("run", 1);
    free(r->config);
    r->config = mem_strdup("other.yaml");
    assert_int_equal(compare(train, r, 0, NULL, &err), -1);
    assert_contains(err.text, "another CONFIG.yaml: found other.yaml, rank 0 has run.yaml");
    r = request_new("run", 1);
    r->has_max_seconds = 1, r->max_seconds = 9;
    assert_int_equal(compare(train, r, 0, NULL, &err), -1);
    assert_contains(err.text, "another --max-seconds: found 9, rank 0 has 0");
    r = request_new("run", 1);
    r->set = mem_resize(r->set, 2, sizeof *r->set);
    r->set[r->n_set++] = mem_strdup("train.seed=5");
    assert_int_equal(compare(train, r, 0, NULL, &err), -1);
    assert_contains(err.text, "another --set than rank 0");
    assert_int_equal(compare(resume, request_new("run", 1), 0, NULL, &err), -1);
    assert_contains(err.text, "another command: found resume, rank 0 is train");
}

static void another_configuration_is_refused_by_its_field(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(compare(train, request_new("run", 1), 77, NULL, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "another configuration: train.steps: found 77, rank 0 has 500");
}

static void what_a_rank_was_refused_for_is_said_for_it(void **state)
{
    (void)state;
    const struct err refused = {ERR_USAGE, "--widht: found no such option"};
    struct err err;
    assert_int_equal(compare(train, request_new("run", 1), 0, &refused, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "--widht: found no such option");
    assert_contains(err.text, "rank 3 (on ");
}

enum { N_RANKS = 4 };

static void say(struct endpoint *rank, const void *request)
{
    Trireme__Hello *hello = hello_new(train, request, NULL, NULL);
    endpoint_send(rank, 0, TAG_HELLO, hello);
    message_free(hello);
}

static void the_lowest_rank_that_differs_is_told_whoever_speaks_first(void **state)
{
    (void)state;
    struct endpoint *ranks[N_RANKS];
    struct err err = {0};
    Trireme__TrainRequest *mine = request_new("run", 1), *two = request_new("run", 2);
    Trireme__Hello *hello = hello_new(train, mine, NULL, NULL);
    local_transport_open(ranks, N_RANKS, 2);
    say(ranks[3], two);
    say(ranks[1], mine);
    say(ranks[2], two);
    assert_int_equal(hello_gather(ranks[0], hello, mine, 30, NULL, &err), -1);
    assert_contains(err.text, "rank 2 (on ");
    for (int i = 1; i < N_RANKS; i++)
        say(ranks[i], mine);
    assert_int_equal(hello_gather(ranks[0], hello, mine, 30, NULL, &err), 0);
    for (int i = 0; i < N_RANKS; i++)
        endpoint_free(ranks[i]);
    message_free(hello);
    message_free(mine);
    message_free(two);
}

static void a_rank_that_says_nothing_is_named_and_a_stop_ends_the_wait(void **state)
{
    (void)state;
    struct endpoint *ranks[N_RANKS];
    struct err err = {0};
    Trireme__TrainRequest *mine = request_new("run", 1);
    Trireme__Hello *hello = hello_new(train, mine, NULL, NULL);
    volatile sig_atomic_t stop = 1;
    local_transport_open(ranks, N_RANKS, 2);
    say(ranks[1], mine);
    say(ranks[3], mine);
    assert_int_equal(hello_gather(ranks[0], hello, mine, 0.05, NULL, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, "rank 2 did not say what it was started as");
    assert_int_equal(hello_gather(ranks[0], hello, mine, 30, &stop, &err), -1);
    assert_int_equal(err.code, ERR_STOPPED);
    for (int i = 0; i < N_RANKS; i++)
        endpoint_free(ranks[i]);
    message_free(hello);
    message_free(mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rank_that_was_started_alike_is_taken),
        cmocka_unit_test(a_rank_that_was_started_differently_is_refused_by_rank_and_field),
        cmocka_unit_test(another_configuration_is_refused_by_its_field),
        cmocka_unit_test(what_a_rank_was_refused_for_is_said_for_it),
        cmocka_unit_test(the_lowest_rank_that_differs_is_told_whoever_speaks_first),
        cmocka_unit_test(a_rank_that_says_nothing_is_named_and_a_stop_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
