#include "tests/unit/ps/trial_scene.h"

#include "base/random.h"

void arm_push(struct scene *s, const struct arm *arm, size_t block, uint64_t draw)
{
    struct frame frame;
    scene_header(&frame, s, arm->trial, arm->step, block);
    frame.node_count = arm->leaves;
    float *numbers = mem_floats(frame.count);
    for (size_t i = 0; i < frame.count; i++)
        numbers[i] = (float)random_normal(draw, s->layout->blocks[block].offset + i);
    endpoint_send_frame(s->endpoints[WORKER], SERVER, TAG_PUSH, &frame, numbers);
    free(numbers);
    scene_turn(s);
}

void arm_push_all(struct scene *s, const struct arm *arm, uint64_t draw)
{
    for (size_t b = 0; b < s->layout->n_blocks; b++)
        arm_push(s, arm, b, draw);
}

void arm_await_norms(struct scene *s, const struct arm *arm)
{
    struct parcel parcel = scene_await(s, COORDINATOR, TAG_NORMS);
    Trireme__Norms *norms = trireme__norms__unpack(NULL, parcel.size, parcel.bytes);
    assert_int_equal(norms->trial, arm->trial);
    assert_int_equal(norms->step, arm->step);
    trireme__norms__free_unpacked(norms, NULL);
}

void arm_commit(struct scene *s, struct arm *arm)
{
    scene_verdict(s, arm->trial, arm->step);
    struct parcel parcel = scene_await(s, COORDINATOR, TAG_COMMITTED);
    Trireme__Committed *committed = trireme__committed__unpack(NULL, parcel.size, parcel.bytes);
    assert_int_equal(committed->trial, arm->trial);
    arm->step++;
    assert_int_equal(committed->step, arm->step);
    trireme__committed__free_unpacked(committed, NULL);
}

void arm_step(struct scene *s, struct arm *arm, uint64_t draw)
{
    arm_push_all(s, arm, draw);
    arm_await_norms(s, arm);
    arm_commit(s, arm);
}

void arm_step_to(struct scene *s, struct arm *arm, uint64_t end)
{
    while (arm->step < end)
        arm_step(s, arm, arm->step);
}

struct arm_state arm_await_saved(struct scene *s)
{
    struct arm_state kept = {0};
    struct parcel parcel = scene_await(s, COORDINATOR, TAG_SAVED);
    Trireme__Saved *saved = trireme__saved__unpack(NULL, parcel.size, parcel.bytes);
    kept.step = saved->step;
    kept.updates = saved->updates;
    snprintf(kept.digest, sizeof kept.digest, "%s", saved->shard->digest);
    trireme__saved__free_unpacked(saved, NULL);
    return kept;
}

struct arm_state arm_save(struct scene *s, const struct arm *arm)
{
    scene_save(s, arm->trial, arm->step);
    struct arm_state kept = arm_await_saved(s);
    assert_int_equal(kept.step, arm->step);
    return kept;
}

struct arm_state arm_alone(uint64_t steps)
{
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct arm trunk = {0, 2, 0};
    arm_step_to(s, &trunk, steps);
    struct arm_state kept = arm_save(s, &trunk);
    scene_free(s);
    return kept;
}

void arm_check_same(struct arm_state found, struct arm_state expected)
{
    assert_string_equal(found.digest, expected.digest);
    assert_int_equal(found.updates, expected.updates);
}

void arm_check_other(struct arm_state found, struct arm_state expected)
{
    if (!strcmp(found.digest, expected.digest))
        fail_msg("found the same bits, expected others");
}

void arm_send_fork(struct scene *s, struct arm arm, uint32_t parent, const char *setting)
{
    struct err err;
    Trireme__Fork fork = TRIREME__FORK__INIT;
    fork.trial = arm.trial;
    fork.parent = parent;
    fork.step = arm.step;
    fork.config = message_copy(s->config);
    if (setting)
        assert_int_equal(message_set(fork.config, setting, "test", &err), 0);
    scene_send(s, COORDINATOR, TAG_FORK, &fork);
    message_free(fork.config);
}

void arm_send_fork_of(struct scene *s, struct arm arm, char *folder, Trireme__Manifest *manifest)
{
    Trireme__Fork fork = TRIREME__FORK__INIT;
    fork.trial = arm.trial;
    fork.step = arm.step;
    fork.config = s->config;
    fork.checkpoint = folder, fork.manifest = manifest;
    scene_send(s, COORDINATOR, TAG_FORK, &fork);
}

void arm_await_forked(struct scene *s, uint32_t trial, const char *refused)
{
    struct parcel parcel = scene_await(s, COORDINATOR, TAG_FORKED);
    Trireme__Forked *forked = trireme__forked__unpack(NULL, parcel.size, parcel.bytes);
    assert_int_equal(forked->trial, trial);
    assert_true(!forked->refused == !refused);
    if (refused)
        assert_contains(forked->refused, refused);
    else // weights, two moments, sums
        assert_int_equal(forked->bytes, 4 * s->layout->n_params * sizeof(float));
    trireme__forked__free_unpacked(forked, NULL);
}

struct arm arm_fork(struct scene *s, uint32_t number, const struct arm *parent, const char *setting)
{
    struct arm arm = {number, parent->leaves, parent->step};
    arm_send_fork(s, arm, parent->trial, setting);
    arm_await_forked(s, number, NULL);
    return arm;
}

void arm_send_drop(struct scene *s, uint32_t trial)
{
    Trireme__Drop drop = TRIREME__DROP__INIT;
    drop.trial = trial;
    scene_send(s, COORDINATOR, TAG_DROP, &drop);
}

Trireme__Manifest *arm_manifest(const struct scene *s, uint64_t step, uint64_t updates)
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

void scene_check_silence(struct scene *s, int rank)
{
    struct parcel parcel;
    scene_turn(s);
    while (endpoint_poll(s->endpoints[rank], &parcel))
        if (parcel.tag != TAG_BEAT)
            fail_msg("found a message '%s', expected none", tag_name(parcel.tag));
}
