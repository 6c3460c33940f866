#include "tests/unit/ps/server_harness.h"

#include "base/file.h"
#include "proto/file/incarnation.h"
#include "proto/tensor/model_shape.h"

void server_harness_send(struct server_harness *s, int from, enum tag tag, const void *message)
{
    endpoint_send(s->endpoints[from], SERVER, tag, message);
}

void server_harness_turn(struct server_harness *s)
{
    struct err err = {0};
    enum turn done = server_turn(s->server, &err);
    if (done == TURN_FAILED)
        fail_msg("%s", err.text);
}

void server_harness_check_fails(struct server_harness *s, const char *sentence)
{
    struct err err = {0};
    assert_int_equal(server_turn(s->server, &err), TURN_FAILED);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, sentence);
}

struct parcel server_harness_await(struct server_harness *s, int rank, enum tag tag)
{
    struct parcel parcel;
    double deadline = clock_now() + 20;
    while (clock_now() < deadline) {
        server_harness_turn(s);
        while (endpoint_poll(s->endpoints[rank], &parcel))
            if (parcel.tag == (int)tag)
                return parcel;
            else if (parcel.tag != TAG_BEAT)
                fail_msg("found a message '%s', expected '%s'", tag_name(parcel.tag),
                         tag_name(tag));
    }
    fail_msg("no message '%s' came", tag_name(tag));
    return (struct parcel){0};
}

struct server_harness *server_harness_new(const char *const *settings, const char *checkpoint,
                                          Trireme__Manifest *manifest)
{
    static const char *const small[] = {"model.layers=1",  "model.heads=2", "model.width=16",
                                        "model.context=8", "train.batch=2", "train.microbatch=1"};
    struct server_harness *s = mem_new(1, sizeof *s);
    struct err err;
    local_transport_open(s->endpoints, HARNESS_RANKS, ROOM);
    s->server = server_new(s->endpoints[SERVER]);
    s->folder = test_folder_new();
    char *checkpoints = file_join(s->folder, "checkpoints");
    assert_int_equal(file_make_dirs(checkpoints, ERR_USAGE, &err), 0);
    assert_int_equal(incarnation_write(s->folder, INCARNATION, &err), 0);
    free(checkpoints);
    s->config = message_new(&trireme__config__descriptor);
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        assert_int_equal(message_set(s->config, small[i], "test", &err), 0);
    for (; settings && *settings; settings++)
        assert_int_equal(message_set(s->config, *settings, "test", &err), 0);
    assert_int_equal(model_shape_resolve(s->config->model, &err), 0);
    s->layout = layout_new(s->config->model);
    Trireme__Start start = TRIREME__START__INIT;
    start.incarnation = INCARNATION;
    start.servers = 1;
    start.run = s->folder;
    start.config = s->config;
    start.checkpoint = (char *)checkpoint;
    start.manifest = manifest;
    server_harness_send(s, COORDINATOR, TAG_START, &start);
    server_harness_await(s, COORDINATOR, TAG_NOTE); // what it holds
    server_harness_await(s, COORDINATOR, TAG_READY);
    return s;
}

void server_harness_free(struct server_harness *s)
{
    server_free(s->server);
    for (int r = 0; r < HARNESS_RANKS; r++)
        endpoint_free(s->endpoints[r]);
    layout_free(s->layout);
    message_free(s->config);
    test_folder_free(s->folder);
    free(s);
}

void server_harness_header(struct frame *frame, const struct server_harness *s, uint32_t trial,
                           uint64_t step, size_t block)
{
    *frame = (struct frame){.magic = FRAME_MAGIC,
                            .dtype = FRAME_FP32,
                            .incarnation = INCARNATION,
                            .trial = trial,
                            .step = step,
                            .block = block,
                            .node_first = 0,
                            .node_count = s->config->train->batch,
                            .count = s->layout->blocks[block].count};
}

void server_harness_push(struct server_harness *s, const struct frame *frame, float value)
{
    float *numbers = mem_floats(frame->count);
    for (size_t i = 0; i < frame->count; i++)
        numbers[i] = value;
    endpoint_send_frame(s->endpoints[WORKER], SERVER, TAG_PUSH, frame, numbers);
    free(numbers);
}

void server_harness_pull(struct server_harness *s, uint32_t trial, uint64_t step)
{
    Trireme__Pull message = TRIREME__PULL__INIT;
    message.trial = trial;
    message.step = step;
    server_harness_send(s, WORKER, TAG_PULL, &message);
}

void server_harness_decide(struct server_harness *s, uint32_t trial, uint64_t step)
{
    Trireme__StepDecision decision = TRIREME__STEP_DECISION__INIT;
    decision.trial = trial;
    decision.step = step;
    decision.scale = 1;
    decision.lr = 0.25;
    server_harness_send(s, COORDINATOR, TAG_STEP_DECISION, &decision);
}

void server_harness_save(struct server_harness *s, uint32_t trial, uint64_t step)
{
    Trireme__Save save = TRIREME__SAVE__INIT;
    save.trial = trial;
    save.step = step;
    save.folder = s->folder;
    server_harness_send(s, COORDINATOR, TAG_SAVE, &save);
}

float *server_harness_weights(struct server_harness *s, uint32_t trial, uint64_t step)
{
    struct err err;
    float *all = mem_floats(s->layout->n_params);
    for (size_t b = 0; b < s->layout->n_blocks; b++) {
        struct parcel parcel = server_harness_await(s, WORKER, TAG_WEIGHTS);
        const struct frame *frame = frame_open(parcel.bytes, parcel.size, &err);
        assert_true(frame && frame->step == step && frame->block == b &&
                    frame->incarnation == INCARNATION);
        assert_int_equal(frame->trial, trial);
        assert_int_equal(frame->count, s->layout->blocks[b].count);
        memcpy(all + s->layout->blocks[b].offset, frame->numbers, frame->count * sizeof *all);
    }
    return all;
}
