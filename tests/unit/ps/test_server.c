/* A server alone, turned by hand: rank 0 is the coordinator's place, rank 2 a worker's. */
#include "tests/unit/support.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/net/endpoint.h"
#include "proto/net/frame.h"
#include "proto/net/link.h"
#include "proto/net/local_transport.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"
#include "ps/server.h"

#include "control.pb-c.h"

struct scene {
    struct endpoint *endpoints[3];
    struct server *server;
    struct layout *layout;
    char *folder;
};

enum { INCARNATION = 4, ROOM = 3 };

static void send(struct scene *s, int from, enum tag tag, const void *message)
{
    endpoint_send(s->endpoints[from], 1, tag, message);
}

static void turn(struct scene *s)
{
    struct err err = {0};
    enum turn done = server_turn(s->server, &err);
    if (done == TURN_FAILED)
        fail_msg("%s", err.text);
}

static void check_fails(struct scene *s, const char *sentence)
{
    struct err err = {0};
    assert_int_equal(server_turn(s->server, &err), TURN_FAILED);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, sentence);
}

/* Turns the server until a message of that tag is there for a rank. */
static struct parcel await(struct scene *s, int rank, enum tag tag)
{
    struct parcel parcel;
    double deadline = clock_now() + 20;
    while (clock_now() < deadline) {
        turn(s);
        while (endpoint_poll(s->endpoints[rank], &parcel))
            if (parcel.tag == (int)tag)
                return parcel;
            else if (parcel.tag != TAG_BEAT)
                fail_msg("found a message '%s', expected '%s'", tag_name(parcel.tag), tag_name(tag));
    }
    fail_msg("no message '%s' came", tag_name(tag));
    return (struct parcel){0};
}

static int set_up(void **state)
{
    struct scene *s = mem_new(1, sizeof *s);
    struct err err;
    local_transport_open(s->endpoints, 3, ROOM);
    s->server = server_new(s->endpoints[1]);
    s->folder = test_folder_new();
    Trireme__Start *start = message_new(&trireme__start__descriptor);
    message_free(start->manifest);
    start->manifest = NULL;
    start->has_incarnation = 1, start->incarnation = INCARNATION;
    start->has_servers = 1, start->servers = 1;
    Trireme__Run *config = start->config;
    static const char *const settings[] = {"model.layers=1",  "model.heads=2", "model.width=16",
                                           "model.context=8", "train.batch=2", "train.microbatch=1"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        assert_int_equal(message_set(config, settings[i], "test", &err), 0);
    assert_int_equal(model_shape_resolve(config->model, &err), 0);
    s->layout = layout_new(config->model);
    send(s, 0, TAG_START, start);
    message_free(start);
    await(s, 0, TAG_NOTE); // what it holds
    await(s, 0, TAG_READY);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    server_free(s->server);
    for (int r = 0; r < 3; r++)
        endpoint_free(s->endpoints[r]);
    layout_free(s->layout);
    test_folder_free(s->folder);
    free(s);
    return 0;
}

static void set_header(struct frame *frame, const struct scene *s, uint64_t step, size_t block)
{
    *frame = (struct frame){.magic = FRAME_MAGIC,
                            .dtype = FRAME_FP32,
                            .incarnation = INCARNATION,
                            .step = step,
                            .block = block,
                            .node_first = 0,
                            .node_count = 2,
                            .count = s->layout->blocks[block].count};
}

static void push(struct scene *s, const struct frame *frame, float value)
{
    float *numbers = mem_floats(frame->count);
    for (size_t i = 0; i < frame->count; i++)
        numbers[i] = value;
    endpoint_send_frame(s->endpoints[2], 1, TAG_PUSH, frame, numbers);
    free(numbers);
}

/* The whole gradient of a step, as one worker sends it. */
static void push_all(struct scene *s, uint64_t step, float value)
{
    for (size_t b = 0; b < s->layout->n_blocks; b++) {
        struct frame frame;
        set_header(&frame, s, step, b);
        push(s, &frame, value);
        turn(s);
    }
}

static void pull(struct scene *s, uint64_t step)
{
    Trireme__Pull message = TRIREME__PULL__INIT;
    message.has_step = 1, message.step = step;
    send(s, 2, TAG_PULL, &message);
}

/* Receives the weights of a step; block after block, few at a time. */
static float *weights(struct scene *s, uint64_t step)
{
    struct err err;
    float *all = mem_floats(s->layout->n_params);
    for (size_t b = 0; b < s->layout->n_blocks; b++) {
        struct parcel parcel = await(s, 2, TAG_WEIGHTS);
        const struct frame *frame = frame_open(parcel.bytes, parcel.size, &err);
        assert_true(frame && frame->step == step && frame->block == b && frame->incarnation == INCARNATION);
        assert_int_equal(frame->count, s->layout->blocks[b].count);
        memcpy(all + s->layout->blocks[b].offset, frame->numbers, frame->count * sizeof *all);
    }
    return all;
}

static void send_verdict(struct scene *s, uint64_t step)
{
    Trireme__Verdict verdict = TRIREME__VERDICT__INIT;
    verdict.has_step = 1, verdict.step = step;
    verdict.has_scale = 1, verdict.scale = 1;
    verdict.has_lr = 1, verdict.lr = 0.25;
    send(s, 0, TAG_VERDICT, &verdict);
}

static void send_save(struct scene *s, uint64_t step)
{
    Trireme__Save save = TRIREME__SAVE__INIT;
    save.has_step = 1, save.step = step, save.folder = s->folder;
    send(s, 0, TAG_SAVE, &save);
}

static void a_step_goes_from_gradients_to_norms_to_an_update_to_new_weights(void **state)
{
    struct scene *s = *state;
    pull(s, 0);
    float *before = weights(s, 0);
    pull(s, 1); // ahead: held until the step is committed
    push_all(s, 0, 0.5f);
    struct parcel parcel = await(s, 0, TAG_NORMS);
    Trireme__Norms *norms = trireme__norms__unpack(NULL, parcel.size, parcel.bytes);
    assert_int_equal(norms->n_squares, s->layout->n_blocks);
    for (size_t b = 0; b < norms->n_squares; b++)
        assert_true(norms->squares[b] == 0.25 * (double)s->layout->blocks[b].count);
    trireme__norms__free_unpacked(norms, NULL);
    assert_false(endpoint_poll(s->endpoints[2], &parcel));
    send_verdict(s, 0);
    await(s, 0, TAG_COMMITTED);
    float *after = weights(s, 1);
    size_t norm = layout_find(s->layout, "norm.weight")->offset; // no decay: the first step of AdamW is one of lr
    assert_true(before[norm] == 1);
    assert_floats_near(&after[norm], (const float[]){0.75f}, 1, 1e-6, 0);
    free(after);
    free(before);
}

static void an_update_waits_for_the_snapshot_and_the_snapshot_has_the_old_weights(void **state)
{
    struct scene *s = *state;
    for (uint64_t step = 0; step < 20; step++) {
        push_all(s, step, 0.5f);
        await(s, 0, TAG_NORMS);
        send_save(s, step);
        send_verdict(s, step);
        struct parcel parcel = await(s, 0, TAG_SAVED); // COMMITTED before it would be a failure
        Trireme__Saved *saved = trireme__saved__unpack(NULL, parcel.size, parcel.bytes);
        assert_true(saved->step == step && saved->stall_ms >= 0 && saved->shard->bytes > 4 * s->layout->n_params);
        assert_string_equal(saved->shard->file, "shard-0-of-1.safetensors");
        trireme__saved__free_unpacked(saved, NULL);
        await(s, 0, TAG_COMMITTED);
    }
}

static void a_server_that_is_freed_in_a_snapshot_waits_for_it(void **state)
{
    struct scene *s = *state;
    send_save(s, 0);
    turn(s);
    server_free(s->server);
    s->server = NULL;
    size_t n = 0;
    struct err err;
    char **names = file_names(s->folder, &n, ERR_DATA, &err);
    assert_int_equal(n, 1);
    assert_string_equal(names[0], "shard-0-of-1.safetensors");
    file_names_free(names);
}

static void a_snapshot_that_fails_is_a_failure_with_its_path(void **state)
{
    struct scene *s = *state;
    struct err err = {0};
    test_folder_free(s->folder);
    s->folder = mem_strdup("/nowhere/at/all");
    send_save(s, 0);
    enum turn done = TURN_BUSY;
    for (double deadline = clock_now() + 20; done != TURN_FAILED && clock_now() < deadline;)
        done = server_turn(s->server, &err);
    assert_int_equal(done, TURN_FAILED);
    assert_int_equal(err.code, ERR_TRAIN);
    assert_contains(err.text, "/nowhere/at/all/shard-0-of-1.safetensors: cannot write");
}

static void gradients_of_another_launch_step_or_shape_are_refused(void **state)
{
    struct scene *s = *state;
    struct frame frame;
    set_header(&frame, s, 0, 0);
    frame.incarnation = INCARNATION - 1;
    push(s, &frame, 1);
    check_fails(s, "rank 2 pushed a gradient of step 0 of launch 3, expected 0 of 4");
    set_header(&frame, s, 1, 0);
    push(s, &frame, 1);
    check_fails(s, "rank 2 pushed a gradient of step 1 of launch 4, expected 0 of 4");
    set_header(&frame, s, 0, 0);
    frame.count--;
    push(s, &frame, 1);
    check_fails(s, "a push of block 0 with ");
    set_header(&frame, s, 0, 0);
    push(s, &frame, 1);
    turn(s);
    push(s, &frame, 1);
    check_fails(s, "which were pushed before");
}

static void orders_at_the_wrong_time_are_refused(void **state)
{
    struct scene *s = *state;
    send_verdict(s, 0);
    check_fails(s, "a verdict on step 0 came while step 0 was being summed");
    pull(s, 2);
    check_fails(s, "rank 2 asked for the weights of step 2, but 0 are committed");
    send_save(s, 1);
    check_fails(s, "an order to save step 1 came at step 0");
    send_save(s, 0);
    send_save(s, 0);
    check_fails(s, "an order to save step 0 came at step 0");
}

static void the_end_is_the_end(void **state)
{
    struct scene *s = *state;
    struct err err;
    Trireme__End end = TRIREME__END__INIT;
    end.has_code = 1, end.code = ERR_STOPPED;
    send(s, 0, TAG_END, &end);
    pull(s, 0);
    assert_int_equal(server_turn(s->server, &err), TURN_OVER);
    assert_int_equal(server_link(s->server)->code, ERR_STOPPED);
    assert_int_equal(server_turn(s->server, &err), TURN_OVER);
    struct parcel parcel;
    assert_false(endpoint_poll(s->endpoints[2], &parcel));
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_step_goes_from_gradients_to_norms_to_an_update_to_new_weights),
        test(an_update_waits_for_the_snapshot_and_the_snapshot_has_the_old_weights),
        test(a_server_that_is_freed_in_a_snapshot_waits_for_it),
        test(a_snapshot_that_fails_is_a_failure_with_its_path),
        test(gradients_of_another_launch_step_or_shape_are_refused),
        test(orders_at_the_wrong_time_are_refused),
        test(the_end_is_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
