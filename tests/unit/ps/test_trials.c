/* What forks hold and become. */
#include "tests/unit/ps/trial_scene.h"

#include "base/random.h"

static void a_fork_that_changes_nothing_goes_on_with_its_parents_bits(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct arm trunk = {0, 2, 0};
    arm_step_to(s, &trunk, 3);
    struct arm fork = arm_fork(s, FORK, &trunk, NULL);
    arm_check_same(arm_save(s, &fork), arm_save(s, &trunk));
    for (uint64_t end = 4; end <= 7; end++) {
        arm_step_to(s, &trunk, end);
        arm_step_to(s, &fork, end);
        arm_check_same(arm_save(s, &fork), arm_save(s, &trunk));
    }
    arm_check_same(arm_save(s, &trunk), arm_alone(7));
    scene_free(s);
}

static void a_fork_with_another_setting_goes_its_own_way_and_leaves_its_parent(void **state)
{
    (void)state;
    static const char *const settings[] = {"optimizer.beta1=0.5", "optimizer.beta2=0.5",
                                           "optimizer.eps=0.5", "optimizer.weight_decay=0.5"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct scene *s = scene_new(NULL, NULL, NULL);
        struct arm trunk = {0, 2, 0};
        arm_step_to(s, &trunk, 2);
        struct arm fork = arm_fork(s, FORK, &trunk, settings[i]);
        arm_step_to(s, &fork, 4);
        arm_step_to(s, &trunk, 4);
        arm_check_other(arm_save(s, &fork), arm_save(s, &trunk));
        arm_check_same(arm_save(s, &trunk), arm_alone(4));
        scene_free(s);
    }
}

static void a_fork_of_a_fork_goes_on_from_its_own_parent(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct arm trunk = {0, 2, 0};
    arm_step_to(s, &trunk, 2);
    struct arm fork = arm_fork(s, FORK, &trunk, "optimizer.beta1=0.5");
    arm_step_to(s, &fork, 4);
    struct arm second = arm_fork(s, SECOND, &fork, "optimizer.beta1=0.5");
    arm_check_same(arm_save(s, &second), arm_save(s, &fork));
    arm_send_drop(s, FORK); // no fork needs its parent any more
    arm_step_to(s, &second, 6);
    struct arm_state found = arm_save(s, &second);
    scene_free(s);

    s = scene_new(NULL, NULL, NULL);
    trunk.step = 0;
    arm_step_to(s, &trunk, 2);
    fork = arm_fork(s, FORK, &trunk, "optimizer.beta1=0.5");
    arm_step_to(s, &fork, 6);
    arm_check_same(found, arm_save(s, &fork));
    scene_free(s);
}

static void weights_are_sent_with_the_number_of_their_trial(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct arm trunk = {0, 2, 0};
    struct arm fork = arm_fork(s, FORK, &trunk, NULL);
    scene_pull(s, FORK, 1); // held, while the other trial's step is there
    scene_pull(s, 0, 0);
    float *first = scene_weights(s, 0, 0);
    arm_step_to(s, &fork, 1);
    float *forks = scene_weights(s, FORK, 1);
    scene_pull(s, 0, 0);
    float *again = scene_weights(s, 0, 0);
    assert_memory_equal(again, first, s->layout->n_params * sizeof *first);
    arm_step_to(s, &trunk, 1);
    scene_pull(s, 0, 1);
    float *trunks = scene_weights(s, 0, 1);
    assert_memory_equal(trunks, forks, s->layout->n_params * sizeof *forks);
    assert_true(memcmp(trunks, first, s->layout->n_params * sizeof *first) != 0);
    free(first);
    free(again);
    free(forks);
    free(trunks);
    scene_free(s);
}

static void a_fork_of_a_checkpoint_is_a_fork_in_memory(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct arm trunk = {0, 2, 0}, second = {SECOND, 2, 3};
    arm_step_to(s, &trunk, 3);
    arm_save(s, &trunk);
    struct arm fork = arm_fork(s, FORK, &trunk, NULL);
    arm_step_to(s, &trunk, 5);
    Trireme__Manifest *manifest = arm_manifest(s, 3, 0);
    arm_send_fork_of(s, second, s->folder, manifest);
    arm_await_forked(s, SECOND, NULL);
    message_free(manifest);
    arm_step_to(s, &fork, 5);
    arm_step_to(s, &second, 5);
    arm_check_same(arm_save(s, &fork), arm_save(s, &trunk));
    arm_check_same(arm_save(s, &second), arm_save(s, &trunk));
    scene_free(s);
}

static void a_relabelled_fork_with_another_batch_keeps_its_count_of_updates(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct arm trunk = {0, 2, 0}, fork = {FORK, 4, 40};
    arm_step_to(s, &trunk, 3);
    arm_send_fork(s, fork, 0, "train.batch=4");
    arm_await_forked(s, FORK, NULL);
    scene_pull(s, FORK, 40);
    free(scene_weights(s, FORK, 40));
    arm_step(s, &fork, 3); // what two leaves or four come to is the same number here
    arm_step(s, &trunk, 3);
    struct arm_state found = arm_save(s, &fork);
    assert_int_equal(found.step, 41);
    assert_int_equal(found.updates, 4);
    arm_check_same(found, arm_save(s, &trunk));
    scene_free(s);
}

static void a_checkpoint_of_a_relabelled_trial_goes_on_with_its_count_of_updates(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct arm trunk = {0, 2, 0}, fork = {FORK, 2, 40}, third = {3, 2, 50};
    arm_step_to(s, &trunk, 3);
    arm_send_fork(s, fork, 0, NULL);
    arm_await_forked(s, FORK, NULL);
    assert_int_equal(arm_save(s, &fork).updates, 3);
    Trireme__Manifest *manifest = arm_manifest(s, 40, 3);
    struct scene *resumed = scene_new(NULL, s->folder, manifest);
    arm_send_fork_of(s, third, s->folder, manifest);
    arm_await_forked(s, 3, NULL);
    message_free(manifest);
    arm_step(s, &fork, 3);
    arm_step(s, &third, 3);
    struct arm trunk2 = {0, 2, 40};
    arm_step(resumed, &trunk2, 3);
    struct arm_state expected = arm_alone(4);
    arm_check_same(arm_save(s, &fork), expected);
    arm_check_same(arm_save(s, &third), expected);
    arm_check_same(arm_save(resumed, &trunk2), expected);
    scene_free(resumed);
    scene_free(s);
}

/* Where the blocks of one trial's step are. */
struct course {
    struct arm arm;
    size_t next_block;
};

/* One block more, or, where all are pushed, the decision. */
static void advance(struct scene *s, struct course *c)
{
    arm_push(s, &c->arm, c->next_block++, c->arm.step);
    if (c->next_block < s->layout->n_blocks)
        return;
    c->next_block = 0;
    arm_await_norms(s, &c->arm);
    arm_commit(s, &c->arm);
}

static void trials_that_are_interleaved_in_any_order_have_the_bits_of_each_alone(void **state)
{
    (void)state;
    enum { STEPS = 4, TRIALS = 3 };
    static const char *const settings[TRIALS] = {NULL, "optimizer.beta2=0.5",
                                                 "optimizer.weight_decay=0"};
    struct arm_state expected[TRIALS];
    for (uint64_t round = 0; round < 10; round++) {
        struct scene *s = scene_new(NULL, NULL, NULL);
        struct course courses[TRIALS] = {{.arm = {0, 2, 0}}};
        for (uint32_t k = 1; k < TRIALS; k++)
            courses[k].arm = arm_fork(s, k, &courses[0].arm, settings[k]);
        size_t left = TRIALS * STEPS * s->layout->n_blocks;
        for (uint64_t i = 0; i < left; i++) {
            // round 0: one trial after the other
            size_t k = round ? random_u64(round, i) % TRIALS : 0;
            while (courses[k].arm.step == STEPS)
                k = (k + 1) % TRIALS;
            advance(s, &courses[k]);
        }
        for (size_t k = 0; k < TRIALS; k++) {
            assert_int_equal(courses[k].arm.step, STEPS);
            struct arm_state found = arm_save(s, &courses[k].arm);
            if (round)
                arm_check_same(found, expected[k]);
            else
                expected[k] = found;
        }
        arm_check_other(expected[0], expected[1]);
        arm_check_other(expected[0], expected[2]);
        scene_free(s);
    }
    arm_check_same(expected[0], arm_alone(STEPS));
}

static void a_fork_with_another_optimizer_is_refused(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct arm trunk = {0, 2, 0};
    arm_send_fork(s, (struct arm){FORK, 2, 0}, 0, "optimizer.name=sgd");
    scene_check_fails(s, "trial 1 is to go on with moments of another optimizer than its own, sgd");
    scene_free(s);

    s = scene_new(NULL, NULL, NULL);
    arm_save(s, &trunk);
    Trireme__Manifest *manifest = arm_manifest(s, 0, 0);
    manifest->config->optimizer->has_name = true;
    manifest->config->optimizer->name = TRIREME__OPTIMIZER__NAME__sgd;
    arm_send_fork_of(s, (struct arm){FORK, 2, 0}, s->folder, manifest);
    scene_check_fails(s,
                      "trial 1 is to go on with moments of another optimizer than its own, adamw");
    message_free(manifest);
    scene_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fork_that_changes_nothing_goes_on_with_its_parents_bits),
        cmocka_unit_test(a_fork_with_another_setting_goes_its_own_way_and_leaves_its_parent),
        cmocka_unit_test(a_fork_of_a_fork_goes_on_from_its_own_parent),
        cmocka_unit_test(weights_are_sent_with_the_number_of_their_trial),
        cmocka_unit_test(a_fork_of_a_checkpoint_is_a_fork_in_memory),
        cmocka_unit_test(a_relabelled_fork_with_another_batch_keeps_its_count_of_updates),
        cmocka_unit_test(a_checkpoint_of_a_relabelled_trial_goes_on_with_its_count_of_updates),
        cmocka_unit_test(trials_that_are_interleaved_in_any_order_have_the_bits_of_each_alone),
        cmocka_unit_test(a_fork_with_another_optimizer_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
