/* Messages that no rank may send: the rank that gets one ends the run with a sentence. */
#include "tests/unit/roles/role_harness.h"

#include "proto/net/frame.h"

struct harness {
    char *root, *data, *run_folder;
    struct run run;
    struct role_harness roles;
    struct coordinator *coordinator;
};

enum { SERVER = 1, WORKER = 2 };

/* A run of one server and two workers that is in the middle of its steps. */
static int set_up(void **state)
{
    struct harness *h = mem_new(1, sizeof *h);
    struct err err;
    h->root = test_folder_new();
    h->data = file_join(h->root, "data"), h->run_folder = file_join(h->root, "run");
    role_harness_write_source(h->data, "a", 1, 2001, false);
    role_harness_write_source(h->data, "b", 1, 2001, false);
    const char *const settings[] = {"train.steps=100000", NULL};
    if (run_plan_train(&h->run, h->run_folder, role_harness_config(h->data, settings), &err) < 0 ||
        run_claim(&h->run, &err) < 0 || run_locate(&h->run, fail_on_warning, NULL, &err) < 0)
        fail_msg("%s", err.text);
    role_harness_open(&h->roles,
                      &(struct harness_launch){.servers = 1, .workers = 2, .room = 1000});
    struct coordinator_options options = {.n_servers = 1};
    h->coordinator = coordinator_new(&h->roles.front.base, &h->run, &options, &err);
    for (int i = 0; i < 100; i++)
        if (coordinator_turn(h->coordinator, &err) == TURN_FAILED)
            fail_msg("%s", err.text);
    *state = h;
    return 0;
}

static int tear_down(void **state)
{
    struct harness *h = *state;
    coordinator_free(h->coordinator);
    role_harness_close(&h->roles);
    run_clear(&h->run);
    test_folder_free(h->root);
    free(h->data);
    free(h->run_folder);
    free(h);
    return 0;
}

static void check_ends(struct harness *h, const char *sentence)
{
    struct err how;
    coordinator_run(h->coordinator, &how);
    if (how.code != ERR_MACHINE)
        fail_msg("the run ended with code %d, expected %d: %s", (int)how.code, ERR_MACHINE,
                 how.text);
    assert_contains(how.text, sentence);
    role_harness_finish(&h->roles);
}

static void send(struct harness *h, int from, int to, enum tag tag, const void *message)
{
    endpoint_send(h->roles.endpoints[from], to, tag, message);
}

static void losses_of_an_evaluation_that_nobody_asked_for_end_the_run(void **state)
{
    Trireme__Losses losses = TRIREME__LOSSES__INIT;
    losses.eval = 1;
    send(*state, WORKER, 0, TAG_LOSSES, &losses);
    check_ends(*state, "rank 2 evaluated step ");
}

static void losses_of_a_server_end_the_run(void **state)
{
    Trireme__Losses losses = TRIREME__LOSSES__INIT;
    losses.eval = 1;
    send(*state, SERVER, 0, TAG_LOSSES, &losses);
    check_ends(*state, "rank 1, a server, sent losses");
}

static void losses_of_another_step_end_the_run(void **state)
{
    Trireme__Losses losses = TRIREME__LOSSES__INIT;
    losses.step = 99999;
    send(*state, WORKER, 0, TAG_LOSSES, &losses);
    check_ends(*state, "rank 2 sent losses of step 99999 of trial 0, which nobody asked for");
}

static void a_shard_of_a_worker_ends_the_run(void **state)
{
    Trireme__Saved saved = TRIREME__SAVED__INIT;
    Trireme__Shard shard = TRIREME__SHARD__INIT;
    saved.shard = &shard;
    send(*state, WORKER, 0, TAG_SAVED, &saved);
    check_ends(*state, "rank 2, a worker, saved a shard");
}

static void a_message_that_is_for_another_role_ends_the_run(void **state)
{
    Trireme__Lease lease = TRIREME__LEASE__INIT;
    send(*state, WORKER, 0, TAG_LEASE, &lease);
    check_ends(*state, "rank 2 sent a message 'lease' that this rank has no use for");
}

static void a_pull_of_a_step_that_is_gone_ends_the_run(void **state)
{
    Trireme__Pull pull = TRIREME__PULL__INIT;
    pull.step = 77777;
    send(*state, WORKER, SERVER, TAG_PULL, &pull);
    check_ends(*state, "rank 2 asked for the weights of step 77777, but ");
}

static void a_pull_of_no_worker_ends_the_run(void **state)
{
    Trireme__Pull pull = TRIREME__PULL__INIT;
    send(*state, 0, SERVER, TAG_PULL, &pull);
    check_ends(*state, "rank 0, which is no worker, asked for weights");
}

static void a_gradient_of_another_launch_ends_the_run(void **state)
{
    struct harness *h = *state;
    struct frame frame = {.magic = FRAME_MAGIC, .dtype = FRAME_FP32, .incarnation = 7};
    endpoint_send_frame(h->roles.endpoints[WORKER], SERVER, TAG_PUSH, &frame, NULL);
    check_ends(h, "rank 2 pushed a gradient of step 0 of launch 7, expected ");
}

static void weights_that_nobody_asked_for_end_the_run(void **state)
{
    struct harness *h = *state;
    struct frame frame = {
        .magic = FRAME_MAGIC, .dtype = FRAME_FP32, .incarnation = 1, .step = 99999, .block = 5};
    endpoint_send_frame(h->roles.endpoints[SERVER], WORKER, TAG_WEIGHTS, &frame, NULL);
    check_ends(h, "rank 1 sent weights of block 5, trial 0, step 99999, which nobody asked for");
}

static void a_verdict_before_the_sum_is_complete_ends_the_run(void **state)
{
    Trireme__StepDecision decision = TRIREME__STEP_DECISION__INIT;
    decision.step = 99999;
    send(*state, 0, SERVER, TAG_STEP_DECISION, &decision);
    check_ends(*state, "a decision on step 99999 came while step ");
}

static void an_order_to_save_another_step_ends_the_run(void **state)
{
    Trireme__Save save = TRIREME__SAVE__INIT;
    save.step = 99999, save.folder = (char *)"/nowhere";
    send(*state, 0, SERVER, TAG_SAVE, &save);
    check_ends(*state, "an order to save step 99999 came at step ");
}

/* A role that has not got START yet. */
static void a_message_before_the_run_is_known_is_refused(void **state)
{
    (void)state;
    struct endpoint *endpoints[3];
    struct err err;
    local_transport_open(endpoints, 3, 2);
    struct server *server = server_new(endpoints[1]);
    struct worker *worker = worker_new(endpoints[2]);
    assert_int_equal(server_turn(server, &err), TURN_IDLE);
    assert_int_equal(worker_turn(worker, &err), TURN_IDLE);
    Trireme__Lease lease = TRIREME__LEASE__INIT;
    Trireme__Pull pull = TRIREME__PULL__INIT;
    endpoint_send(endpoints[2], 1, TAG_PULL, &pull);
    endpoint_send(endpoints[0], 2, TAG_LEASE, &lease);
    assert_int_equal(server_turn(server, &err), TURN_FAILED);
    assert_string_equal(err.text, "rank 2 sent a message before the run was known");
    assert_int_equal(worker_turn(worker, &err), TURN_FAILED);
    assert_string_equal(err.text, "rank 0 sent a message before the run was known");
    server_free(server);
    worker_free(worker);
    for (int r = 0; r < 3; r++)
        endpoint_free(endpoints[r]);
}

#define test_in_run(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_run(losses_of_an_evaluation_that_nobody_asked_for_end_the_run),
        test_in_run(losses_of_a_server_end_the_run),
        test_in_run(losses_of_another_step_end_the_run),
        test_in_run(a_shard_of_a_worker_ends_the_run),
        test_in_run(a_message_that_is_for_another_role_ends_the_run),
        test_in_run(a_pull_of_a_step_that_is_gone_ends_the_run),
        test_in_run(a_pull_of_no_worker_ends_the_run),
        test_in_run(a_gradient_of_another_launch_ends_the_run),
        test_in_run(weights_that_nobody_asked_for_end_the_run),
        test_in_run(a_verdict_before_the_sum_is_complete_ends_the_run),
        test_in_run(an_order_to_save_another_step_ends_the_run),
        cmocka_unit_test(a_message_before_the_run_is_known_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
