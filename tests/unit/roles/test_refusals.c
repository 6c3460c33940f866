/* What no rank ought to send: whoever gets it ends the run with a sentence, and never with success.
 */
#include "tests/unit/roles/role_stage.h"

#include "proto/net/frame.h"

struct scene {
    char *root, *data, *run_folder;
    struct run run;
    struct stage stage;
    struct coordinator *coordinator;
};

enum { SERVER = 1, WORKER = 2 };

/* A run of one server and two workers that is in the middle of its steps. */
static int set_up(void **state)
{
    struct scene *s = mem_new(1, sizeof *s);
    struct err err;
    s->root = test_folder_new();
    s->data = file_join(s->root, "data"), s->run_folder = file_join(s->root, "run");
    for (int i = 0; i < 2; i++) {
        char *folder = file_join(s->data, i ? "b" : "a");
        stage_write_tokens(folder, "train_000000.bin", 1, 2001);
        free(folder);
    }
    const char *const settings[] = {"train.steps=100000", NULL};
    if (run_plan_train(&s->run, s->run_folder, stage_config(s->data, settings), &err) < 0 ||
        run_claim(&s->run, &err) < 0 || run_locate(&s->run, no_warning, NULL, &err) < 0)
        fail_msg("%s", err.text);
    stage_open(&s->stage, &(struct play){.servers = 1, .workers = 2, .room = 1000});
    struct coordinator_options options = {.n_servers = 1};
    s->coordinator = coordinator_new(&s->stage.front.base, &s->run, &options, &err);
    for (int i = 0; i < 100; i++)
        if (coordinator_turn(s->coordinator, &err) == TURN_FAILED)
            fail_msg("%s", err.text);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    coordinator_free(s->coordinator);
    stage_close(&s->stage);
    run_clear(&s->run);
    test_folder_free(s->root);
    free(s->data);
    free(s->run_folder);
    free(s);
    return 0;
}

static void check_ends(struct scene *s, const char *sentence)
{
    struct err how;
    coordinator_run(s->coordinator, &how);
    if (how.code != ERR_MACHINE)
        fail_msg("the run ended with code %d, expected %d: %s", (int)how.code, ERR_MACHINE,
                 how.text);
    assert_contains(how.text, sentence);
    stage_finish(&s->stage);
}

static void send(struct scene *s, int from, int to, enum tag tag, const void *message)
{
    endpoint_send(s->stage.endpoints[from], to, tag, message);
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
    struct scene *s = *state;
    struct frame frame = {.magic = FRAME_MAGIC, .dtype = FRAME_FP32, .incarnation = 7};
    endpoint_send_frame(s->stage.endpoints[WORKER], SERVER, TAG_PUSH, &frame, NULL);
    check_ends(s, "rank 2 pushed a gradient of step 0 of launch 7, expected ");
}

static void weights_that_nobody_asked_for_end_the_run(void **state)
{
    struct scene *s = *state;
    struct frame frame = {
        .magic = FRAME_MAGIC, .dtype = FRAME_FP32, .incarnation = 1, .step = 99999, .block = 5};
    endpoint_send_frame(s->stage.endpoints[SERVER], WORKER, TAG_WEIGHTS, &frame, NULL);
    check_ends(s, "rank 1 sent weights of block 5, trial 0, step 99999, which nobody asked for");
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

/* A role that knows of no run yet. */
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

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(losses_of_an_evaluation_that_nobody_asked_for_end_the_run),
        test(losses_of_a_server_end_the_run),
        test(losses_of_another_step_end_the_run),
        test(a_shard_of_a_worker_ends_the_run),
        test(a_message_that_is_for_another_role_ends_the_run),
        test(a_pull_of_a_step_that_is_gone_ends_the_run),
        test(a_pull_of_no_worker_ends_the_run),
        test(a_gradient_of_another_launch_ends_the_run),
        test(weights_that_nobody_asked_for_end_the_run),
        test(a_verdict_before_the_sum_is_complete_ends_the_run),
        test(an_order_to_save_another_step_ends_the_run),
        cmocka_unit_test(a_message_before_the_run_is_known_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
