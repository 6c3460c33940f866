#include "tests/unit/ps/server_harness.h"

#include "base/file.h"
#include "proto/file/incarnation.h"

static int set_up(void **state)
{
    *state = server_harness_new(NULL, NULL, NULL);
    return 0;
}

static int tear_down(void **state)
{
    server_harness_free(*state);
    return 0;
}

/* The whole gradient of a step, as one worker sends it. */
static void push_all(struct server_harness *s, uint64_t step, float value)
{
    for (size_t b = 0; b < s->layout->n_blocks; b++) {
        struct frame frame;
        server_harness_header(&frame, s, 0, step, b);
        server_harness_push(s, &frame, value);
        server_harness_turn(s);
    }
}

static void a_step_goes_from_gradients_to_norms_to_an_update_to_new_weights(void **state)
{
    struct server_harness *s = *state;
    server_harness_pull(s, 0, 0);
    float *before = server_harness_weights(s, 0, 0);
    server_harness_pull(s, 0, 1); // ahead: held until the step is committed
    push_all(s, 0, 0.5f);
    struct parcel parcel = server_harness_await(s, COORDINATOR, TAG_NORMS);
    Trireme__Norms *norms = trireme__norms__unpack(NULL, parcel.size, parcel.bytes);
    assert_int_equal(norms->n_squares, s->layout->n_blocks);
    for (size_t b = 0; b < norms->n_squares; b++)
        assert_true(norms->squares[b] == 0.25 * (double)s->layout->blocks[b].count);
    trireme__norms__free_unpacked(norms, NULL);
    assert_false(endpoint_poll(s->endpoints[WORKER], &parcel));
    server_harness_decide(s, 0, 0);
    server_harness_await(s, COORDINATOR, TAG_COMMITTED);
    float *after = server_harness_weights(s, 0, 1);
    // no decay: the first step of AdamW is one of lr
    size_t norm = layout_find(s->layout, "norm.weight")->offset;
    assert_true(before[norm] == 1);
    assert_floats_near(&after[norm], (const float[]){0.75f}, 1, 1e-6, 0);
    free(after);
    free(before);
}

static void an_update_waits_for_the_snapshot_and_the_snapshot_has_the_old_weights(void **state)
{
    struct server_harness *s = *state;
    for (uint64_t step = 0; step < 20; step++) {
        push_all(s, step, 0.5f);
        server_harness_await(s, COORDINATOR, TAG_NORMS);
        server_harness_save(s, 0, step);
        server_harness_decide(s, 0, step);
        // server_harness_await fails if COMMITTED comes first
        struct parcel parcel = server_harness_await(s, COORDINATOR, TAG_SAVED);
        Trireme__Saved *saved = trireme__saved__unpack(NULL, parcel.size, parcel.bytes);
        assert_true(saved->step == step && saved->stall_ms >= 0 &&
                    saved->shard->bytes > 4 * s->layout->n_params);
        assert_string_equal(saved->shard->file, "shard-0-of-1.safetensors");
        trireme__saved__free_unpacked(saved, NULL);
        server_harness_await(s, COORDINATOR, TAG_COMMITTED);
    }
}

static void a_server_that_is_freed_in_a_snapshot_waits_for_it(void **state)
{
    struct server_harness *s = *state;
    server_harness_save(s, 0, 0);
    server_harness_turn(s);
    server_free(s->server);
    s->server = NULL;
    size_t n = 0;
    struct err err;
    char **names = file_names(s->folder, &n, ERR_DATA, &err);
    assert_int_equal(n, 3);
    assert_string_equal(names[2], "shard-0-of-1.safetensors");
    file_names_free(names);
}

static void a_snapshot_that_fails_is_a_failure_with_its_path(void **state)
{
    struct server_harness *s = *state;
    struct err err = {0};
    char *run = s->folder;
    s->folder = (char *)"/nowhere/at/all";
    server_harness_save(s, 0, 0);
    s->folder = run;
    enum turn done = TURN_BUSY;
    for (double deadline = clock_now() + 20; done != TURN_FAILED && clock_now() < deadline;)
        done = server_turn(s->server, &err);
    assert_int_equal(done, TURN_FAILED);
    assert_int_equal(err.code, ERR_TRAIN);
    assert_contains(err.text, "/nowhere/at/all/shard-0-of-1.safetensors: cannot write");
}

static void a_server_saves_nothing_into_a_run_that_a_newer_launch_has_taken(void **state)
{
    struct server_harness *s = *state;
    struct err err;
    assert_int_equal(incarnation_write(s->folder, INCARNATION + 1, &err), 0);
    server_harness_save(s, 0, 0);
    server_harness_check_fails(s, "a newer launch (incarnation 5, this one is 4) has taken");
    char *shard = file_join(s->folder, "shard-0-of-1.safetensors");
    assert_false(file_exists(shard));
    free(shard);
}

/* START to a server of its own; it must refuse the run. */
static void check_refuses_run(const struct server_harness *s, const char *run, uint64_t incarnation,
                              const char *part)
{
    struct endpoint *endpoints[HARNESS_RANKS];
    struct err err = {0};
    local_transport_open(endpoints, HARNESS_RANKS, ROOM);
    struct server *server = server_new(endpoints[SERVER]);
    Trireme__Start start = TRIREME__START__INIT;
    start.incarnation = incarnation;
    start.servers = 1;
    start.run = (char *)run;
    start.config = s->config;
    endpoint_send(endpoints[COORDINATOR], SERVER, TAG_START, &start);
    assert_int_equal(server_turn(server, &err), TURN_FAILED);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "server 0 (rank 1 on ");
    assert_contains(err.text, run);
    assert_contains(err.text, part);
    server_free(server);
    for (int r = 0; r < HARNESS_RANKS; r++)
        endpoint_free(endpoints[r]);
}

static void
a_server_that_sees_another_folder_or_cannot_write_there_says_so_at_the_start(void **state)
{
    struct server_harness *s = *state;
    struct err err;
    check_refuses_run(s, "/nowhere/run", INCARNATION,
                      "found no run, expected launch 4 of one: the run's folder must be one that "
                      "all nodes share");
    check_refuses_run(s, s->folder, INCARNATION + 1,
                      "found launch 4 of a run, expected launch 5 of it");
    char *checkpoints = file_join(s->folder, "checkpoints");
    assert_int_equal(file_remove_tree(checkpoints, ERR_USAGE, &err), 0);
    check_refuses_run(s, s->folder, INCARNATION, "cannot write: No such file");
    free(checkpoints);
}

static void gradients_of_another_launch_step_or_shape_are_refused(void **state)
{
    struct server_harness *s = *state;
    struct frame frame;
    server_harness_header(&frame, s, 0, 0, 0);
    frame.incarnation = INCARNATION - 1;
    server_harness_push(s, &frame, 1);
    server_harness_check_fails(s,
                               "rank 2 pushed a gradient of step 0 of launch 3, expected 0 of 4");
    server_harness_header(&frame, s, 0, 1, 0);
    server_harness_push(s, &frame, 1);
    server_harness_check_fails(s,
                               "rank 2 pushed a gradient of step 1 of launch 4, expected 0 of 4");
    server_harness_header(&frame, s, 0, 0, 0);
    frame.count--;
    server_harness_push(s, &frame, 1);
    server_harness_check_fails(s, "a push of block 0 with ");
    server_harness_header(&frame, s, 0, 0, 0);
    server_harness_push(s, &frame, 1);
    server_harness_turn(s);
    server_harness_push(s, &frame, 1);
    server_harness_check_fails(s, "which were pushed before");
}

static void orders_at_the_wrong_time_are_refused(void **state)
{
    struct server_harness *s = *state;
    server_harness_decide(s, 0, 0);
    server_harness_check_fails(
        s, "a decision on step 0 came while step 0 of trial 0 was being summed");
    server_harness_pull(s, 0, 2);
    server_harness_check_fails(s, "rank 2 asked for the weights of step 2, but 0 are committed");
    server_harness_save(s, 0, 1);
    server_harness_check_fails(s, "an order to save step 1 came at step 0");
    server_harness_save(s, 0, 0);
    server_harness_save(s, 0, 0);
    server_harness_check_fails(s, "an order to save trial 0 came while trial 0 is being saved");
}

static void the_end_is_the_end(void **state)
{
    struct server_harness *s = *state;
    struct err err;
    Trireme__End end = TRIREME__END__INIT;
    end.code = ERR_STOPPED;
    server_harness_send(s, COORDINATOR, TAG_END, &end);
    server_harness_pull(s, 0, 0);
    assert_int_equal(server_turn(s->server, &err), TURN_OVER);
    assert_int_equal(server_link(s->server)->code, ERR_STOPPED);
    assert_int_equal(server_turn(s->server, &err), TURN_OVER);
    struct parcel parcel;
    assert_false(endpoint_poll(s->endpoints[WORKER], &parcel));
}

#define test_with_server(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_server(a_step_goes_from_gradients_to_norms_to_an_update_to_new_weights),
        test_with_server(an_update_waits_for_the_snapshot_and_the_snapshot_has_the_old_weights),
        test_with_server(a_server_that_is_freed_in_a_snapshot_waits_for_it),
        test_with_server(a_snapshot_that_fails_is_a_failure_with_its_path),
        test_with_server(a_server_saves_nothing_into_a_run_that_a_newer_launch_has_taken),
        test_with_server(
            a_server_that_sees_another_folder_or_cannot_write_there_says_so_at_the_start),
        test_with_server(gradients_of_another_launch_step_or_shape_are_refused),
        test_with_server(orders_at_the_wrong_time_are_refused),
        test_with_server(the_end_is_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
