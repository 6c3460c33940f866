/* A worker alone, one turn at a time. The test is rank 0, the coordinator, and rank 1, a server. */
#include "tests/unit/worker/data/data_fixture.h"

#include "base/clock.h"
#include "base/mem.h"
#include "math/kernels.h"
#include "proto/config/run_config.h"
#include "proto/net/endpoint.h"
#include "proto/net/frame.h"
#include "proto/net/link.h"
#include "proto/net/local_transport.h"
#include "proto/order/segment.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"
#include "worker/data/dataset.h"
#include "worker/model/model.h"
#include "worker/worker.h"

#include "control.pb-c.h"

enum { INCARNATION = 4, ROOM = 3, CONTEXT = 8, WORKER = 2, BLOCK_TOKENS = 16384 };

/* Owns all that it points to. */
struct harness {
    struct endpoint *endpoints[3];
    struct worker *worker;
    struct layout *layout;
    char *folder;
    Trireme__Config *config, *fork_config; /* of the trunk and of trial 1 */
    Trireme__Segment *segments[2];         /* one each */
};

static void send(struct harness *h, enum tag tag, const void *message)
{
    endpoint_send(h->endpoints[0], WORKER, tag, message);
}

static void turn(struct harness *h)
{
    struct err err = {0};
    if (worker_turn(h->worker, &err) == TURN_FAILED)
        fail_msg("%s", err.text);
}

static void check_fails(struct harness *h, const char *sentence)
{
    struct err err = {0};
    assert_int_equal(worker_turn(h->worker, &err), TURN_FAILED);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, sentence);
}

/* Turns the worker until a message of that tag is there for a rank. */
static struct parcel await(struct harness *h, int rank, enum tag tag)
{
    struct parcel parcel;
    double deadline = clock_now() + 20;
    while (clock_now() < deadline) {
        while (endpoint_poll(h->endpoints[rank], &parcel))
            if (parcel.tag == (int)tag)
                return parcel;
            else if (parcel.tag != TAG_BEAT)
                fail_msg("found a message '%s', expected '%s'", tag_name(parcel.tag),
                         tag_name(tag));
        turn(h);
    }
    fail_msg("no message '%s' came", tag_name(tag));
    return (struct parcel){0};
}

/* Turns the worker for a while; it may send nothing but beats. */
static void check_silent(struct harness *h)
{
    struct parcel parcel;
    for (int i = 0; i < 20; i++) {
        turn(h);
        for (int rank = 0; rank < 2; rank++)
            while (endpoint_poll(h->endpoints[rank], &parcel))
                if (parcel.tag != TAG_BEAT)
                    fail_msg("rank %d got a message '%s', expected none", rank,
                             tag_name(parcel.tag));
    }
}

/* Writes tokens below 256 that follow from the seed. */
static void write_text(const char *folder, const char *name, uint32_t seed, uint32_t n)
{
    uint16_t *tokens = mem_new(n, sizeof *tokens);
    for (uint32_t i = 0; i < n; i++)
        tokens[i] = (uint16_t)((i * (seed + 2 * i) * 2654435761U >> 7) % 256);
    write_token_file(folder, name, tokens, n);
    free(tokens);
}

static void must_set(Trireme__Config *config, const char *const *settings, size_t n)
{
    struct err err;
    for (size_t i = 0; i < n; i++)
        if (message_set(config, settings[i], "test", &err) < 0)
            fail_msg("%s", err.text);
}

static void make_configs(struct harness *h)
{
    struct err err;
    char *data = mem_format("data.sources=[{name: text, path: %s}]", h->folder);
    const char *const trunk[] = {"model.layers=1",
                                 "model.heads=2",
                                 "model.width=16",
                                 "model.context=8",
                                 "train.batch=4",
                                 "train.microbatch=1",
                                 data};
    const char *const fork[] = {"train.microbatch=3", "train.batch=6", "train.context=4",
                                "optimizer.lr=0.5"};
    h->config = message_new(&trireme__config__descriptor);
    must_set(h->config, trunk, sizeof trunk / sizeof *trunk);
    assert_int_equal(model_shape_resolve(h->config->model, &err), 0);
    h->fork_config = message_copy(h->config);
    must_set(h->fork_config, fork, sizeof fork / sizeof *fork);
    h->segments[0] = run_config_first_segment(h->config, &err);
    h->segments[1] = run_config_first_segment(h->fork_config, &err);
    assert_true(h->segments[0] && h->segments[1]);
    free(data);
}

static int set_up(void **state)
{
    struct harness *h = mem_new(1, sizeof *h);
    local_transport_open(h->endpoints, 3, ROOM);
    h->worker = worker_new(h->endpoints[WORKER]);
    h->folder = test_folder_new();
    write_text(h->folder, "train.bin", 1, 1000);
    write_text(h->folder, "val.bin", 2, 3 * BLOCK_TOKENS);
    make_configs(h);
    h->layout = layout_new(h->config->model);
    Trireme__Start start = TRIREME__START__INIT;
    start.incarnation = INCARNATION;
    start.servers = 1;
    start.run = (char *)"run";
    start.config = h->config;
    start.n_segments = 1, start.segments = &h->segments[0];
    send(h, TAG_START, &start);
    await(h, 0, TAG_NOTE); // what it computes with
    struct parcel parcel = await(h, 0, TAG_READY);
    Trireme__Ready *ready = trireme__ready__unpack(NULL, parcel.size, parcel.bytes);
    assert_int_equal(ready->n_eval, 1);
    assert_int_equal(ready->eval[0]->samples, (BLOCK_TOKENS - 1) / CONTEXT);
    assert_int_equal(ready->eval[0]->gate_samples, (BLOCK_TOKENS - 1) / CONTEXT);
    trireme__ready__free_unpacked(ready, NULL);
    *state = h;
    return 0;
}

static int tear_down(void **state)
{
    struct harness *h = *state;
    worker_free(h->worker);
    for (int r = 0; r < 3; r++)
        endpoint_free(h->endpoints[r]);
    layout_free(h->layout);
    for (int i = 0; i < 2; i++)
        message_free(h->segments[i]);
    message_free(h->config);
    message_free(h->fork_config);
    test_folder_free(h->folder);
    free(h);
    return 0;
}

/* answers: whether the worker takes the trial in, and says with what. */
static void send_fork(struct harness *h, uint32_t trial, bool answers)
{
    Trireme__Fork fork = TRIREME__FORK__INIT;
    fork.trial = trial;
    fork.config = h->fork_config;
    fork.n_segments = 1, fork.segments = &h->segments[1];
    send(h, TAG_FORK, &fork);
    if (!answers)
        return;
    struct parcel parcel = await(h, 0, TAG_FORKED);
    Trireme__Forked *forked = trireme__forked__unpack(NULL, parcel.size, parcel.bytes);
    const Trireme__InForce *used = forked->in_force;
    assert_int_equal(forked->trial, trial);
    assert_int_equal(used->batch, h->fork_config->train->batch);
    assert_int_equal(used->microbatch, h->fork_config->train->microbatch);
    assert_int_equal(used->context, h->fork_config->train->context);
    assert_int_equal(used->n_weights, h->segments[1]->n_weights);
    assert_memory_equal(used->weights, h->segments[1]->weights,
                        used->n_weights * sizeof *used->weights);
    trireme__forked__free_unpacked(forked, NULL);
}

static void send_drop(struct harness *h, uint32_t trial)
{
    Trireme__Drop drop = TRIREME__DROP__INIT;
    drop.trial = trial;
    send(h, TAG_DROP, &drop);
}

/* A lease of all leaves of a step. */
static void lease_step(struct harness *h, uint32_t trial, uint64_t step)
{
    const Trireme__Train *train = (trial ? h->fork_config : h->config)->train;
    Trireme__Lease lease = TRIREME__LEASE__INIT;
    lease.trial = trial;
    lease.step = step;
    lease.first_sample = step * train->batch;
    lease.leaves = train->batch / train->microbatch;
    send(h, TAG_LEASE, &lease);
}

/* The weights that the server has of a trial at a step; the caller's. */
static float *weights_of(const struct harness *h, uint32_t trial, uint64_t step)
{
    float *weights = mem_floats(h->layout->n_params);
    for (size_t i = 0; i < h->layout->n_params; i++)
        weights[i] = 0.01f * (float)((i * 7919 + step * 31 + trial * 17) % 101) - 0.5f;
    return weights;
}

static void send_block(struct harness *h, uint32_t trial, uint64_t step, size_t b,
                       const float *weights)
{
    struct frame frame = {.magic = FRAME_MAGIC,
                          .dtype = FRAME_FP32,
                          .incarnation = INCARNATION,
                          .trial = trial,
                          .step = step,
                          .block = b,
                          .count = h->layout->blocks[b].count};
    endpoint_send_frame(h->endpoints[1], WORKER, TAG_WEIGHTS, &frame,
                        weights + h->layout->blocks[b].offset);
}

/* Awaits the pull of those weights. */
static void await_pull(struct harness *h, uint32_t trial, uint64_t step)
{
    struct parcel parcel = await(h, 1, TAG_PULL);
    Trireme__Pull *pull = trireme__pull__unpack(NULL, parcel.size, parcel.bytes);
    assert_int_equal(pull->trial, trial);
    assert_int_equal(pull->step, step);
    trireme__pull__free_unpacked(pull, NULL);
}

/* Awaits the pull of those weights, and answers it. */
static void serve(struct harness *h, uint32_t trial, uint64_t step)
{
    await_pull(h, trial, step);
    float *weights = weights_of(h, trial, step);
    for (size_t b = 0; b < h->layout->n_blocks; b++) {
        send_block(h, trial, step, b, weights);
        turn(h);
    }
    free(weights);
}

static Trireme__Losses *await_losses(struct harness *h)
{
    struct parcel parcel = await(h, 0, TAG_LOSSES);
    return trireme__losses__unpack(NULL, parcel.size, parcel.bytes);
}

/* Receives the gradient of a whole step, which comes as one partial sum, and then its losses. The
 * gradient is the caller's. */
static float *await_gradient(struct harness *h, uint32_t trial, uint64_t step, double *losses)
{
    struct err err;
    const Trireme__Train *train = (trial ? h->fork_config : h->config)->train;
    const uint32_t n_leaves = train->batch / train->microbatch;
    float *gradient = mem_floats(h->layout->n_params);
    for (size_t b = 0; b < h->layout->n_blocks; b++) {
        struct parcel parcel = await(h, 1, TAG_PUSH);
        const struct frame *frame = frame_open(parcel.bytes, parcel.size, &err);
        assert_true(frame && frame->trial == trial && frame->step == step && frame->block == b);
        assert_true(frame->node_first == 0 && frame->node_count == n_leaves &&
                    frame->incarnation == INCARNATION);
        memcpy(gradient + h->layout->blocks[b].offset, frame->numbers,
               frame->count * sizeof *gradient);
    }
    Trireme__Losses *message = await_losses(h);
    assert_true(message->trial == trial && message->step == step && !message->eval &&
                message->n_sums == n_leaves);
    memcpy(losses, message->sums, n_leaves * sizeof *losses);
    trireme__losses__free_unpacked(message, NULL);
    return gradient;
}

/* The gradient that the worker must come to, computed here leaf by leaf and summed along the tree
 * of two or four leaves; the caller's. */
static float *gradient_alone(struct harness *h, uint32_t trial, uint64_t step, double *losses)
{
    struct err err;
    const Trireme__Config *config = trial ? h->fork_config : h->config;
    const uint32_t B = config->train->microbatch, n_leaves = config->train->batch / B,
                   T = run_config_context(config);
    struct dataset *dataset =
        dataset_open(config->data, CONTEXT, config->model->vocab, config->train->seed, &err);
    struct order *order = order_new((const Trireme__Segment *const *)&h->segments[trial], 1, &err);
    struct model *model = model_new(config->model, h->layout, kernels_best(), B);
    const size_t n = h->layout->n_params;
    float *weights = weights_of(h, trial, step), *leaves[4];
    int32_t *tokens = mem_new(B * (T + 1), sizeof *tokens);
    for (uint32_t leaf = 0; leaf < n_leaves; leaf++) {
        leaves[leaf] = mem_floats(n);
        for (uint32_t i = 0; i < B; i++)
            assert_int_equal(dataset_sample(dataset, order, tokens + i * (T + 1),
                                            (step * n_leaves + leaf) * B + i, &err),
                             0);
        const double scale = 1 / ((double)config->train->batch * T);
        assert_true(model_gradient(model, leaves[leaf], &losses[leaf], weights, tokens, B, T,
                                   (float)scale));
    }
    for (uint32_t apart = 1; apart < n_leaves; apart *= 2)
        for (uint32_t leaf = 0; leaf < n_leaves; leaf += 2 * apart)
            for (size_t i = 0; i < n; i++)
                leaves[leaf][i] += leaves[leaf + apart][i];
    for (uint32_t leaf = 1; leaf < n_leaves; leaf++)
        free(leaves[leaf]);
    free(tokens);
    free(weights);
    model_free(model);
    order_free(order);
    dataset_free(dataset);
    return leaves[0];
}

static void check_step(struct harness *h, uint32_t trial, uint64_t step)
{
    double losses[4] = {0}, expected_losses[4] = {0};
    float *found = await_gradient(h, trial, step, losses),
          *expected = gradient_alone(h, trial, step, expected_losses);
    assert_memory_equal(found, expected, h->layout->n_params * sizeof *found);
    assert_memory_equal(losses, expected_losses, sizeof losses);
    assert_true(losses[0] > 0 && losses[1] != losses[0]);
    free(found);
    free(expected);
}

static void each_trial_is_computed_with_its_own_weights_batch_context_and_order(void **state)
{
    struct harness *h = *state;
    lease_step(h, 0, 5);
    serve(h, 0, 5);
    check_step(h, 0, 5);
    send_fork(h, 1, true); // a larger microbatch than any before, half the context
    lease_step(h, 1, 5);
    serve(h, 1, 5); // of the same number of updates, but not the same weights
    check_step(h, 1, 5);
    lease_step(h, 1, 5);
    check_step(h, 1, 5); // no pull: they are there
    lease_step(h, 0, 6);
    lease_step(h, 1, 6);
    serve(h, 0, 6);
    check_step(h, 0, 6);
    serve(h, 1, 6);
    check_step(h, 1, 6);
}

static void the_leases_of_a_dropped_trial_are_forgotten_and_the_others_are_not(void **state)
{
    struct harness *h = *state;
    send_fork(h, 1, true);
    lease_step(h, 0, 0);
    lease_step(h, 1, 0);
    lease_step(h, 0, 1);
    lease_step(h, 1, 1);
    await_pull(h, 0, 0);
    send_drop(h, 1);
    float *weights = weights_of(h, 0, 0);
    for (size_t b = 0; b < h->layout->n_blocks; b++) {
        send_block(h, 0, 0, b, weights);
        turn(h);
    }
    free(weights);
    check_step(h, 0, 0);
    serve(h, 0, 1);
    check_step(h, 0, 1);
    check_silent(h);
}

static void
a_trial_that_is_dropped_while_its_weights_come_is_abandoned_and_they_are_passed_over(void **state)
{
    struct harness *h = *state;
    send_fork(h, 1, true);
    lease_step(h, 1, 0);
    lease_step(h, 0, 0);
    await_pull(h, 1, 0);
    float *weights = weights_of(h, 1, 0);
    send_block(h, 1, 0, 0, weights);
    turn(h);
    send_drop(h, 1);
    send_block(h, 1, 0, 1, weights);
    await_pull(h, 0, 0);
    for (size_t b = 2; b < h->layout->n_blocks; b++) {
        send_block(h, 1, 0, b, weights); // the drop has not reached the server yet
        turn(h);
    }
    free(weights);
    weights = weights_of(h, 0, 0);
    for (size_t b = 0; b < h->layout->n_blocks; b++) {
        send_block(h, 0, 0, b, weights);
        turn(h);
    }
    free(weights);
    check_step(h, 0, 0);
}

static void a_trial_that_is_dropped_within_a_pass_is_abandoned_there(void **state)
{
    enum { MAIL_A_TURN = 64 };
    struct harness *h = *state;
    send_fork(h, 1, true);
    lease_step(h, 1, 0);
    serve(h, 1, 0); // the next turn computes
    Trireme__Beat beat = TRIREME__BEAT__INIT;
    for (int i = 0; i < MAIL_A_TURN; i++)
        send(h, TAG_BEAT, &beat);
    send_drop(h, 1); // is read between the layers of the pass
    const uint64_t work = worker_link(h->worker)->work;
    turn(h);
    // one layer of two leaves' four, and the message
    assert_int_equal(worker_link(h->worker)->work - work, 2);
    check_silent(h);
    lease_step(h, 0, 0);
    serve(h, 0, 0);
    check_step(h, 0, 0);
}

static void a_trial_that_is_dropped_while_its_sums_are_pushed_is_abandoned_there(void **state)
{
    struct harness *h = *state;
    struct parcel parcel;
    send_fork(h, 1, true);
    lease_step(h, 1, 0);
    serve(h, 1, 0);
    for (int i = 0; i < 10; i++)
        turn(h); // until there is no room for more
    send_drop(h, 1);
    lease_step(h, 0, 0);
    for (int i = 0; i < ROOM; i++) {
        assert_true(endpoint_poll(h->endpoints[1], &parcel));
        assert_int_equal(parcel.tag, TAG_PUSH);
    }
    serve(h, 0, 0);
    check_step(h, 0, 0);
}

/* Losses of a lease to evaluate samples of the only source, against those of the model alone. */
static void check_evaluation(struct harness *h, Trireme__Part part, uint64_t key, uint64_t first,
                             uint64_t n)
{
    struct err err;
    Trireme__Lease lease = TRIREME__LEASE__INIT;
    lease.trial = 1;
    lease.step = 3;
    lease.part = part;
    lease.eval_key = key;
    lease.eval_first = first;
    lease.eval_samples = n;
    send(h, TAG_LEASE, &lease);
    Trireme__Losses *losses = await_losses(h);
    assert_true(losses->eval && losses->trial == 1 && losses->step == 3 && losses->part == part);
    assert_true(losses->eval_first == first && losses->n_sums == n);
    struct dataset *dataset =
        dataset_open(h->config->data, CONTEXT, 256, h->config->train->seed, &err);
    struct model *model = model_new(h->config->model, h->layout, kernels_best(), 1);
    float *weights = weights_of(h, 1, 3);
    for (uint64_t i = 0; i < n; i++) {
        int32_t tokens[CONTEXT + 1];
        double expected;
        uint64_t sample = key ? dataset_eval_drawn(dataset, part, 0, key, first + i) : first + i;
        assert_int_equal(dataset_eval_sample(dataset, tokens, part, 0, sample, &err), 0);
        assert_true(model_losses(model, &expected, weights, tokens, 1));
        assert_true(losses->sums[i] == expected && expected > 0);
    }
    free(weights);
    model_free(model);
    dataset_free(dataset);
    trireme__losses__free_unpacked(losses, NULL);
}

static void evaluations_read_the_part_and_the_windows_that_are_asked_for(void **state)
{
    struct harness *h = *state;
    const uint64_t n = (BLOCK_TOKENS - 1) / CONTEXT;
    send_fork(h, 1, true);
    Trireme__Lease lease = TRIREME__LEASE__INIT; // of nothing, for the weights
    lease.trial = 1;
    lease.step = 3;
    send(h, TAG_LEASE, &lease);
    serve(h, 1, 3);
    trireme__losses__free_unpacked(await_losses(h), NULL);
    check_evaluation(h, TRIREME__PART__dev, 0, 7, 3);
    check_evaluation(h, TRIREME__PART__gate, 0, n - 2, 2);
    check_evaluation(h, TRIREME__PART__gate, 99, 5, 3);
    check_evaluation(h, TRIREME__PART__gate, 99, n - 2, 4); // over the end of a round
    check_evaluation(h, TRIREME__PART__sealed, 0, 0, 2);
}

static void work_that_cannot_be_is_refused(void **state)
{
    struct harness *h = *state;
    lease_step(h, 1, 0);
    check_fails(h, "leased work of trial 1, which is not there");
    send_drop(h, 1);
    check_fails(h, "trial 1 is to be dropped, but is not there");
    send_fork(h, 0, false);
    check_fails(h, "a fork has number 0, expected one from 1 on");
    send_fork(h, 2, true);
    send_fork(h, 1, false);
    check_fails(h, "a fork has number 1, expected one from 3 on");
    h->fork_config->train->seed++, h->fork_config->train->has_seed = 1;
    send_fork(h, 3, false);
    check_fails(h, "trial 3 differs from the run in train.seed, expected all trials to share it");
    Trireme__Lease lease = TRIREME__LEASE__INIT;
    lease.leaves = 3;
    lease.first_leaf = 2;
    send(h, TAG_LEASE, &lease);
    check_fails(h, "leased 3 leaves from 2 on of trial 0, whose steps have 4");
    lease.leaves = 0;
    lease.eval_samples = 1 + (BLOCK_TOKENS - 1) / CONTEXT;
    send(h, TAG_LEASE, &lease);
    check_fails(h, "leased samples 0 to 2048 of part 0 of source 0 to evaluate, which has 2047");
    lease.eval_source = 1;
    send(h, TAG_LEASE, &lease);
    check_fails(h, "leased part 0 of source 1 to evaluate, of 1 sources");
}

static void weights_of_another_trial_than_was_asked_for_are_refused(void **state)
{
    struct harness *h = *state;
    send_fork(h, 1, true);
    lease_step(h, 0, 0);
    await_pull(h, 0, 0);
    float *weights = weights_of(h, 1, 0);
    send_block(h, 1, 0, 0, weights);
    check_fails(h, "rank 1 sent weights of block 0, trial 1, step 0, which nobody asked for");
    free(weights);
}

#define test_with_worker(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_worker(each_trial_is_computed_with_its_own_weights_batch_context_and_order),
        test_with_worker(the_leases_of_a_dropped_trial_are_forgotten_and_the_others_are_not),
        test_with_worker(
            a_trial_that_is_dropped_while_its_weights_come_is_abandoned_and_they_are_passed_over),
        test_with_worker(a_trial_that_is_dropped_within_a_pass_is_abandoned_there),
        test_with_worker(a_trial_that_is_dropped_while_its_sums_are_pushed_is_abandoned_there),
        test_with_worker(evaluations_read_the_part_and_the_windows_that_are_asked_for),
        test_with_worker(work_that_cannot_be_is_refused),
        test_with_worker(weights_of_another_trial_than_was_asked_for_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
