/* The end of trials, memory, snapshots, and names. */
#include "tests/unit/ps/trial_scene.h"

#include "proto/tensor/shard_map.h"
#include "ps/server_trial.h"

static void late_frames_of_a_dropped_trial_are_passed_over(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct arm trunk = {0, 2, 0};
    arm_step_to(s, &trunk, 2);
    struct arm fork = arm_fork(s, FORK, &trunk, NULL);
    arm_step_to(s, &fork, 3);
    arm_push(s, &fork, 0, 3);
    arm_push(s, &trunk, 0, 2);
    scene_pull(s, FORK, 4);
    arm_send_drop(s, FORK);
    for (size_t b = 1; b < s->layout->n_blocks; b++)
        arm_push(s, &fork, b, 3);
    scene_pull(s, FORK, 3);
    scene_pull(s, FORK, 77);
    arm_send_drop(s, FORK);
    scene_check_silence(s, WORKER);
    scene_check_silence(s, COORDINATOR);
    for (size_t b = 1; b < s->layout->n_blocks; b++)
        arm_push(s, &trunk, b, 2);
    arm_await_norms(s, &trunk);
    arm_commit(s, &trunk);
    arm_check_same(arm_save(s, &trunk), arm_alone(3));
    scene_free(s);
}

static void the_first_trial_can_be_dropped_and_a_fork_goes_on(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct arm trunk = {0, 2, 0};
    arm_step_to(s, &trunk, 2);
    struct arm fork = arm_fork(s, FORK, &trunk, NULL);
    arm_push(s, &trunk, 0, 2);
    arm_send_drop(s, 0);
    arm_push(s, &trunk, 1, 2);
    arm_step_to(s, &fork, 5);
    arm_check_same(arm_save(s, &fork), arm_alone(5));
    scene_free(s);
}

static void a_dropped_trial_is_freed_and_the_others_stay(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct shard shard;
    struct err err;
    assert_int_equal(shard_map(&shard, 1, s->layout, &err), 0);
    struct server_trial *list = NULL;
    for (uint32_t number = 0; number < 4; number++)
        server_trial_add(&list, server_trial_new(number, s->config, s->layout, &shard, 1));
    server_trial_find(list, 3)->dropped = true;
    server_trial_find(list, 1)->dropped = true;
    assert_null(server_trial_find(list, 1));
    server_trial_sweep(&list);
    assert_int_equal(list->number, 2);
    assert_int_equal(list->next->number, 0);
    assert_null(list->next->next);
    list->dropped = list->next->dropped = true;
    server_trial_sweep(&list);
    assert_null(list);
    scene_free(s);
}

static void memory_of_a_dropped_trial_can_be_taken_again(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    // of two forks
    char *setting =
        mem_format("experiment.memory=%zu", 2 * 4 * s->layout->n_params * sizeof(float));
    scene_free(s);
    s = scene_new((const char *[]){setting, NULL}, NULL, NULL);
    free(setting);
    struct arm trunk = {0, 2, 0}, third = {3, 2, 0};
    arm_fork(s, FORK, &trunk, NULL);
    arm_fork(s, SECOND, &trunk, NULL);
    arm_send_fork(s, third, 0, NULL);
    arm_await_forked(s, 3, "experiment.memory allows");
    arm_send_drop(s, 0); // whichever is left over is the trunk
    arm_fork(s, 4, &(struct arm){SECOND, 2, 0}, NULL);
    arm_send_fork(s, (struct arm){5, 2, 0}, SECOND, NULL);
    arm_await_forked(s, 5, "experiment.memory allows");
    arm_send_drop(s, FORK);
    arm_fork(s, 6, &(struct arm){SECOND, 2, 0}, NULL);
    scene_save(s, 6, 0);
    arm_send_drop(s, 6); // does not count any more, though the snapshot still reads it
    arm_fork(s, 7, &(struct arm){SECOND, 2, 0}, NULL);
    arm_await_saved(s);
    scene_free(s);
}

static void a_fork_without_memory_is_refused_in_words_and_leaves_everything(void **state)
{
    (void)state;
    struct scene *s = scene_new((const char *const[]){"experiment.memory=1", NULL}, NULL, NULL);
    struct arm trunk = {0, 2, 0}, fork = {FORK, 2, 2};
    arm_step_to(s, &trunk, 2);
    arm_send_fork(s, fork, 0, NULL);
    arm_await_forked(s, FORK,
                     "bytes beside 0 of other forks, and experiment.memory allows 1 for all");
    arm_push(s, &fork, 0, 2);
    arm_send_drop(s, FORK); // as on the servers that had memory
    arm_step_to(s, &trunk, 4);
    scene_check_silence(s, COORDINATOR);
    arm_check_same(arm_save(s, &trunk), arm_alone(4));
    scene_free(s);
}

static void a_trial_that_is_dropped_while_it_is_saved_is_written_whole(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct scene *s = scene_new(NULL, NULL, NULL);
        struct arm trunk = {0, 2, 0};
        arm_step_to(s, &trunk, 2);
        struct arm fork = arm_fork(s, FORK, &trunk, NULL);
        arm_push_all(s, &fork, 2);
        arm_await_norms(s, &fork);
        scene_save(s, FORK, 2);
        scene_verdict(s, FORK, 2); // waits, and is never carried out
        scene_pull(s, FORK, 2);
        arm_send_drop(s, FORK);
        scene_pull(s, FORK, 2);
        arm_push(s, &fork, 0, 2); // all of it is there in one turn, while the thread writes
        arm_push(s, &trunk, 0, 2);
        arm_check_same(arm_await_saved(s), arm_alone(2));
        for (size_t b = 1; b < s->layout->n_blocks; b++)
            arm_push(s, &trunk, b, 2);
        scene_check_silence(s, WORKER);
        arm_await_norms(s, &trunk);
        arm_commit(s, &trunk);
        scene_free(s);
    }
}

static void only_updates_of_the_trial_that_is_saved_wait(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct arm trunk = {0, 2, 0};
    struct arm fork = arm_fork(s, FORK, &trunk, NULL);
    int first = 0;
    for (uint64_t round = 0; round < 20; round++) {
        arm_push_all(s, &trunk, round);
        arm_await_norms(s, &trunk);
        arm_push_all(s, &fork, round);
        arm_await_norms(s, &fork);
        scene_save(s, 0, round);
        scene_verdict(s, 0, round);
        scene_verdict(s, FORK, round);
        struct parcel parcel = {0};
        bool saved = false, trunks = false, forks = false;
        for (double deadline = clock_now() + 20;
             clock_now() < deadline && !(saved && trunks && forks);) {
            scene_turn(s);
            while (endpoint_poll(s->endpoints[COORDINATOR], &parcel)) {
                saved |= parcel.tag == TAG_SAVED;
                if (parcel.tag != TAG_COMMITTED)
                    continue;
                Trireme__Committed *committed =
                    trireme__committed__unpack(NULL, parcel.size, parcel.bytes);
                first += committed->trial == FORK && !saved;
                assert_true(committed->trial == FORK || saved);
                committed->trial == FORK ? (forks = true) : (trunks = true);
                trireme__committed__free_unpacked(committed, NULL);
            }
        }
        assert_true(saved && trunks && forks);
        trunk.step++, fork.step++;
    }
    if (!first)
        fail_msg("in 20 rounds the fork's update always waited for the trunk's snapshot");
    arm_check_same(arm_save(s, &fork), arm_save(s, &trunk));
    scene_free(s);
}

static void orders_and_frames_that_name_the_wrong_trial_are_refused(void **state)
{
    (void)state;
    struct scene *s = scene_new(NULL, NULL, NULL);
    struct arm trunk = {0, 2, 0}, five = {5, 2, 0};
    arm_send_fork(s, five, 4, NULL);
    scene_check_fails(s, "rank 0 spoke of trial 4, which was never forked here");
    arm_send_fork(s, trunk, 0, NULL);
    scene_check_fails(s, "trial 0 is to be forked, but numbers below 1 are taken");
    arm_fork(s, 5, &trunk, NULL);
    arm_send_fork(s, five, 0, NULL);
    scene_check_fails(s, "trial 5 is to be forked, but numbers below 6 are taken");
    arm_send_drop(s, 5);
    arm_send_fork(s, five, 0, NULL);
    scene_check_fails(s, "trial 5 is to be forked, but numbers below 6 are taken");
    arm_send_fork(s, (struct arm){6, 2, 0}, 5, NULL);
    scene_check_fails(s, "an order for trial 5 came, which is over");
    scene_save(s, 5, 0);
    scene_check_fails(s, "an order for trial 5 came, which is over");
    scene_verdict(s, 5, 0);
    scene_check_fails(s, "an order for trial 5 came, which is over");
    scene_pull(s, 9, 0);
    scene_check_fails(s, "rank 2 spoke of trial 9, which was never forked here");
    struct frame frame;
    scene_header(&frame, s, 9, 0, 0);
    scene_push(s, &frame, 1);
    scene_check_fails(s, "rank 2 spoke of trial 9, which was never forked here");
    arm_send_drop(s, 9);
    scene_check_fails(s, "rank 0 spoke of trial 9, which was never forked here");
    scene_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_frames_of_a_dropped_trial_are_passed_over),
        cmocka_unit_test(the_first_trial_can_be_dropped_and_a_fork_goes_on),
        cmocka_unit_test(a_dropped_trial_is_freed_and_the_others_stay),
        cmocka_unit_test(memory_of_a_dropped_trial_can_be_taken_again),
        cmocka_unit_test(a_fork_without_memory_is_refused_in_words_and_leaves_everything),
        cmocka_unit_test(a_trial_that_is_dropped_while_it_is_saved_is_written_whole),
        cmocka_unit_test(only_updates_of_the_trial_that_is_saved_wait),
        cmocka_unit_test(orders_and_frames_that_name_the_wrong_trial_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
