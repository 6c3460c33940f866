#include "tests/unit/ps/trial_harness.h"

#include "base/random.h"

void trial_push(struct server_harness *s, const struct trial *trial, size_t block, uint64_t draw)
{
    struct frame frame;
    server_harness_header(&frame, s, trial->trial, trial->step, block);
    frame.node_count = trial->leaves;
    float *numbers = mem_floats(frame.count);
    for (size_t i = 0; i < frame.count; i++)
        numbers[i] = (float)random_normal(draw, s->layout->blocks[block].offset + i);
    endpoint_send_frame(s->endpoints[WORKER], SERVER, TAG_PUSH, &frame, numbers);
    free(numbers);
    server_harness_turn(s);
}

void trial_push_all(struct server_harness *s, const struct trial *trial, uint64_t draw)
{
    for (size_t b = 0; b < s->layout->n_blocks; b++)
        trial_push(s, trial, b, draw);
}

void trial_await_norms(struct server_harness *s, const struct trial *trial)
{
    struct parcel parcel = server_harness_await(s, COORDINATOR, TAG_NORMS);
    Trireme__Norms *norms = trireme__norms__unpack(NULL, parcel.size, parcel.bytes);
    assert_int_equal(norms->trial, trial->trial);
    assert_int_equal(norms->step, trial->step);
    trireme__norms__free_unpacked(norms, NULL);
}

void trial_commit(struct server_harness *s, struct trial *trial)
{
    server_harness_decide(s, trial->trial, trial->step);
    struct parcel parcel = server_harness_await(s, COORDINATOR, TAG_COMMITTED);
    Trireme__Committed *committed = trireme__committed__unpack(NULL, parcel.size, parcel.bytes);
    assert_int_equal(committed->trial, trial->trial);
    trial->step++;
    assert_int_equal(committed->step, trial->step);
    trireme__committed__free_unpacked(committed, NULL);
}

void trial_step(struct server_harness *s, struct trial *trial, uint64_t draw)
{
    trial_push_all(s, trial, draw);
    trial_await_norms(s, trial);
    trial_commit(s, trial);
}

void trial_step_to(struct server_harness *s, struct trial *trial, uint64_t end)
{
    while (trial->step < end)
        trial_step(s, trial, trial->step);
}

struct trial_state trial_await_saved(struct server_harness *s)
{
    struct trial_state kept = {0};
    struct parcel parcel = server_harness_await(s, COORDINATOR, TAG_SAVED);
    Trireme__Saved *saved = trireme__saved__unpack(NULL, parcel.size, parcel.bytes);
    kept.step = saved->step;
    kept.updates = saved->updates;
    snprintf(kept.digest, sizeof kept.digest, "%s", saved->shard->digest);
    trireme__saved__free_unpacked(saved, NULL);
    return kept;
}

struct trial_state trial_save(struct server_harness *s, const struct trial *trial)
{
    server_harness_save(s, trial->trial, trial->step);
    struct trial_state kept = trial_await_saved(s);
    assert_int_equal(kept.step, trial->step);
    return kept;
}

struct trial_state trial_alone(uint64_t steps)
{
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    struct trial trunk = {0, 2, 0};
    trial_step_to(s, &trunk, steps);
    struct trial_state kept = trial_save(s, &trunk);
    server_harness_free(s);
    return kept;
}

void trial_check_same(struct trial_state found, struct trial_state expected)
{
    assert_string_equal(found.digest, expected.digest);
    assert_int_equal(found.updates, expected.updates);
}

void trial_check_other(struct trial_state found, struct trial_state expected)
{
    if (!strcmp(found.digest, expected.digest))
        fail_msg("found the same bits, expected others");
}

void trial_send_fork(struct server_harness *s, struct trial trial, uint32_t parent,
                     const char *setting)
{
    struct err err;
    Trireme__Fork fork = TRIREME__FORK__INIT;
    fork.trial = trial.trial;
    fork.parent = parent;
    fork.step = trial.step;
    fork.config = message_copy(s->config);
    if (setting)
        assert_int_equal(message_set(fork.config, setting, "test", &err), 0);
    server_harness_send(s, COORDINATOR, TAG_FORK, &fork);
    message_free(fork.config);
}

void trial_send_fork_of(struct server_harness *s, struct trial trial, char *folder,
                        Trireme__Manifest *manifest)
{
    Trireme__Fork fork = TRIREME__FORK__INIT;
    fork.trial = trial.trial;
    fork.step = trial.step;
    fork.config = s->config;
    fork.checkpoint = folder, fork.manifest = manifest;
    server_harness_send(s, COORDINATOR, TAG_FORK, &fork);
}

void trial_await_forked(struct server_harness *s, uint32_t trial, const char *refused)
{
    struct parcel parcel = server_harness_await(s, COORDINATOR, TAG_FORKED);
    Trireme__Forked *forked = trireme__forked__unpack(NULL, parcel.size, parcel.bytes);
    assert_int_equal(forked->trial, trial);
    assert_true(!forked->refused == !refused);
    if (refused)
        assert_contains(forked->refused, refused);
    else // weights, two moments, sums
        assert_int_equal(forked->bytes, 4 * s->layout->n_params * sizeof(float));
    if (!refused)
        assert_non_null(forked->in_force);
    trireme__forked__free_unpacked(forked, NULL);
}

struct trial trial_fork(struct server_harness *s, uint32_t number, const struct trial *parent,
                        const char *setting)
{
    struct trial trial = {number, parent->leaves, parent->step};
    trial_send_fork(s, trial, parent->trial, setting);
    trial_await_forked(s, number, NULL);
    return trial;
}

void trial_send_drop(struct server_harness *s, uint32_t trial)
{
    Trireme__Drop drop = TRIREME__DROP__INIT;
    drop.trial = trial;
    server_harness_send(s, COORDINATOR, TAG_DROP, &drop);
}

Trireme__Manifest *trial_manifest(const struct server_harness *s, uint64_t step, uint64_t updates)
{
    Trireme__Manifest *m = message_new(&trireme__manifest__descriptor);
    m->has_step = 1, m->step = step;
    m->has_updates = updates != 0, m->updates = updates;
    message_free(m->config);
    m->config = message_copy(s->config);
    m->shards = mem_new(1, sizeof *m->shards);
    m->shards[m->n_shards++] = message_new(&trireme__shard__descriptor);
    free(m->shards[0]->file);
    m->shards[0]->file = mem_strdup("shard-0-of-1.safetensors");
    return m;
}

void server_harness_check_silence(struct server_harness *s, int rank)
{
    struct parcel parcel;
    server_harness_turn(s);
    while (endpoint_poll(s->endpoints[rank], &parcel))
        if (parcel.tag != TAG_BEAT)
            fail_msg("found a message '%s', expected none", tag_name(parcel.tag));
}
