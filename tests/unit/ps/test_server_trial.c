/* Several trials on one server: what forks hold and become, their memory, and their end. */
#include "tests/unit/ps/trial_harness.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "proto/net/endpoint.h"
#include "proto/net/frame.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/shard_map.h"
#include "ps/server_trial.h"

#include "control.pb-c.h"

static void a_fork_that_changes_nothing_goes_on_with_its_parents_bits(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    struct trial trunk = {0, 2, 0};
    trial_step_to(s, &trunk, 3);
    struct trial fork = trial_fork(s, FORK, &trunk, NULL);
    trial_check_same(trial_save(s, &fork), trial_save(s, &trunk));
    for (uint64_t end = 4; end <= 7; end++) {
        trial_step_to(s, &trunk, end);
        trial_step_to(s, &fork, end);
        trial_check_same(trial_save(s, &fork), trial_save(s, &trunk));
    }
    trial_check_same(trial_save(s, &trunk), trial_alone(7));
    server_harness_free(s);
}

static void a_fork_with_another_setting_goes_its_own_way_and_leaves_its_parent(void **state)
{
    (void)state;
    static const char *const settings[] = {"optimizer.beta1=0.5", "optimizer.beta2=0.5",
                                           "optimizer.eps=0.5", "optimizer.weight_decay=0.5"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct server_harness *s = server_harness_new(NULL, NULL, NULL);
        struct trial trunk = {0, 2, 0};
        trial_step_to(s, &trunk, 2);
        struct trial fork = trial_fork(s, FORK, &trunk, settings[i]);
        trial_step_to(s, &fork, 4);
        trial_step_to(s, &trunk, 4);
        trial_check_other(trial_save(s, &fork), trial_save(s, &trunk));
        trial_check_same(trial_save(s, &trunk), trial_alone(4));
        server_harness_free(s);
    }
}

static void a_fork_of_a_fork_goes_on_from_its_own_parent(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    struct trial trunk = {0, 2, 0};
    trial_step_to(s, &trunk, 2);
    struct trial fork = trial_fork(s, FORK, &trunk, "optimizer.beta1=0.5");
    trial_step_to(s, &fork, 4);
    struct trial second = trial_fork(s, SECOND, &fork, "optimizer.beta1=0.5");
    trial_check_same(trial_save(s, &second), trial_save(s, &fork));
    trial_send_drop(s, FORK); // a fork does not need its parent once it is there
    trial_step_to(s, &second, 6);
    struct trial_state found = trial_save(s, &second);
    server_harness_free(s);

    s = server_harness_new(NULL, NULL, NULL);
    trunk.step = 0;
    trial_step_to(s, &trunk, 2);
    fork = trial_fork(s, FORK, &trunk, "optimizer.beta1=0.5");
    trial_step_to(s, &fork, 6);
    trial_check_same(found, trial_save(s, &fork));
    server_harness_free(s);
}

static void weights_are_sent_with_the_number_of_their_trial(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    struct trial trunk = {0, 2, 0};
    struct trial fork = trial_fork(s, FORK, &trunk, NULL);
    server_harness_pull(s, FORK, 1); // held, while the other trial's step is there
    server_harness_pull(s, 0, 0);
    float *first = server_harness_weights(s, 0, 0);
    trial_step_to(s, &fork, 1);
    float *forks = server_harness_weights(s, FORK, 1);
    server_harness_pull(s, 0, 0);
    float *again = server_harness_weights(s, 0, 0);
    assert_memory_equal(again, first, s->layout->n_params * sizeof *first);
    trial_step_to(s, &trunk, 1);
    server_harness_pull(s, 0, 1);
    float *trunks = server_harness_weights(s, 0, 1);
    assert_memory_equal(trunks, forks, s->layout->n_params * sizeof *forks);
    assert_true(memcmp(trunks, first, s->layout->n_params * sizeof *first) != 0);
    free(first);
    free(again);
    free(forks);
    free(trunks);
    server_harness_free(s);
}

static void a_fork_of_a_checkpoint_is_a_fork_in_memory(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    struct trial trunk = {0, 2, 0}, second = {SECOND, 2, 3};
    trial_step_to(s, &trunk, 3);
    trial_save(s, &trunk);
    struct trial fork = trial_fork(s, FORK, &trunk, NULL);
    trial_step_to(s, &trunk, 5);
    Trireme__Manifest *manifest = trial_manifest(s, 3, 0);
    trial_send_fork_of(s, second, s->folder, manifest);
    trial_await_forked(s, SECOND, NULL);
    message_free(manifest);
    trial_step_to(s, &fork, 5);
    trial_step_to(s, &second, 5);
    trial_check_same(trial_save(s, &fork), trial_save(s, &trunk));
    trial_check_same(trial_save(s, &second), trial_save(s, &trunk));
    server_harness_free(s);
}

static void a_relabelled_fork_with_another_batch_keeps_its_count_of_updates(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    struct trial trunk = {0, 2, 0}, fork = {FORK, 4, 40};
    trial_step_to(s, &trunk, 3);
    trial_send_fork(s, fork, 0, "train.batch=4");
    trial_await_forked(s, FORK, NULL);
    server_harness_pull(s, FORK, 40);
    free(server_harness_weights(s, FORK, 40));
    trial_step(s, &fork, 3); // the gradients of two leaves and of four have the same sum here
    trial_step(s, &trunk, 3);
    struct trial_state found = trial_save(s, &fork);
    assert_int_equal(found.step, 41);
    assert_int_equal(found.updates, 4);
    trial_check_same(found, trial_save(s, &trunk));
    server_harness_free(s);
}

static void a_checkpoint_of_a_relabelled_trial_goes_on_with_its_count_of_updates(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    struct trial trunk = {0, 2, 0}, fork = {FORK, 2, 40}, third = {3, 2, 50};
    trial_step_to(s, &trunk, 3);
    trial_send_fork(s, fork, 0, NULL);
    trial_await_forked(s, FORK, NULL);
    assert_int_equal(trial_save(s, &fork).updates, 3);
    Trireme__Manifest *manifest = trial_manifest(s, 40, 3);
    struct server_harness *resumed = server_harness_new(NULL, s->folder, manifest);
    trial_send_fork_of(s, third, s->folder, manifest);
    trial_await_forked(s, 3, NULL);
    message_free(manifest);
    trial_step(s, &fork, 3);
    trial_step(s, &third, 3);
    struct trial trunk2 = {0, 2, 40};
    trial_step(resumed, &trunk2, 3);
    struct trial_state expected = trial_alone(4);
    trial_check_same(trial_save(s, &fork), expected);
    trial_check_same(trial_save(s, &third), expected);
    trial_check_same(trial_save(resumed, &trunk2), expected);
    server_harness_free(resumed);
    server_harness_free(s);
}

/* How far a trial's step has come. */
struct progress {
    struct trial trial;
    size_t next_block;
};

/* Pushes one block more; commits the step when all are pushed. */
static void advance(struct server_harness *s, struct progress *p)
{
    trial_push(s, &p->trial, p->next_block++, p->trial.step);
    if (p->next_block < s->layout->n_blocks)
        return;
    p->next_block = 0;
    trial_await_norms(s, &p->trial);
    trial_commit(s, &p->trial);
}

static void trials_that_are_interleaved_in_any_order_have_the_bits_of_each_alone(void **state)
{
    (void)state;
    enum { STEPS = 4, TRIALS = 3 };
    static const char *const settings[TRIALS] = {NULL, "optimizer.beta2=0.5",
                                                 "optimizer.weight_decay=0"};
    struct trial_state expected[TRIALS];
    for (uint64_t round = 0; round < 10; round++) {
        struct server_harness *s = server_harness_new(NULL, NULL, NULL);
        struct progress trials[TRIALS] = {{.trial = {0, 2, 0}}};
        for (uint32_t k = 1; k < TRIALS; k++)
            trials[k].trial = trial_fork(s, k, &trials[0].trial, settings[k]);
        size_t left = TRIALS * STEPS * s->layout->n_blocks;
        for (uint64_t i = 0; i < left; i++) {
            // round 0: one trial after the other
            size_t k = round ? random_u64(round, i) % TRIALS : 0;
            while (trials[k].trial.step == STEPS)
                k = (k + 1) % TRIALS;
            advance(s, &trials[k]);
        }
        for (size_t k = 0; k < TRIALS; k++) {
            assert_int_equal(trials[k].trial.step, STEPS);
            struct trial_state found = trial_save(s, &trials[k].trial);
            if (round)
                trial_check_same(found, expected[k]);
            else
                expected[k] = found;
        }
        trial_check_other(expected[0], expected[1]);
        trial_check_other(expected[0], expected[2]);
        server_harness_free(s);
    }
    trial_check_same(expected[0], trial_alone(STEPS));
}

static void a_fork_with_another_optimizer_is_refused(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    struct trial trunk = {0, 2, 0};
    trial_send_fork(s, (struct trial){FORK, 2, 0}, 0, "optimizer.name=sgd");
    server_harness_check_fails(
        s, "trial 1 is to go on with moments of another optimizer than its own, sgd");
    server_harness_free(s);

    s = server_harness_new(NULL, NULL, NULL);
    trial_save(s, &trunk);
    Trireme__Manifest *manifest = trial_manifest(s, 0, 0);
    manifest->config->optimizer->has_name = true;
    manifest->config->optimizer->name = TRIREME__OPTIMIZER__NAME__sgd;
    trial_send_fork_of(s, (struct trial){FORK, 2, 0}, s->folder, manifest);
    server_harness_check_fails(
        s, "trial 1 is to go on with moments of another optimizer than its own, adamw");
    message_free(manifest);
    server_harness_free(s);
}

static void late_frames_of_a_dropped_trial_are_passed_over(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    struct trial trunk = {0, 2, 0};
    trial_step_to(s, &trunk, 2);
    struct trial fork = trial_fork(s, FORK, &trunk, NULL);
    trial_step_to(s, &fork, 3);
    trial_push(s, &fork, 0, 3);
    trial_push(s, &trunk, 0, 2);
    server_harness_pull(s, FORK, 4);
    trial_send_drop(s, FORK);
    for (size_t b = 1; b < s->layout->n_blocks; b++)
        trial_push(s, &fork, b, 3);
    server_harness_pull(s, FORK, 3);
    server_harness_pull(s, FORK, 77);
    trial_send_drop(s, FORK);
    server_harness_check_silence(s, WORKER);
    server_harness_check_silence(s, COORDINATOR);
    for (size_t b = 1; b < s->layout->n_blocks; b++)
        trial_push(s, &trunk, b, 2);
    trial_await_norms(s, &trunk);
    trial_commit(s, &trunk);
    trial_check_same(trial_save(s, &trunk), trial_alone(3));
    server_harness_free(s);
}

static void the_first_trial_can_be_dropped_and_a_fork_goes_on(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    struct trial trunk = {0, 2, 0};
    trial_step_to(s, &trunk, 2);
    struct trial fork = trial_fork(s, FORK, &trunk, NULL);
    trial_push(s, &trunk, 0, 2);
    trial_send_drop(s, 0);
    trial_push(s, &trunk, 1, 2);
    trial_step_to(s, &fork, 5);
    trial_check_same(trial_save(s, &fork), trial_alone(5));
    server_harness_free(s);
}

static void a_dropped_trial_is_freed_and_the_others_stay(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
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
    server_harness_free(s);
}

static void memory_of_a_dropped_trial_can_be_taken_again(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    // of two forks
    char *setting =
        mem_format("experiment.memory=%zu", 2 * 4 * s->layout->n_params * sizeof(float));
    server_harness_free(s);
    s = server_harness_new((const char *[]){setting, NULL}, NULL, NULL);
    free(setting);
    struct trial trunk = {0, 2, 0}, third = {3, 2, 0};
    trial_fork(s, FORK, &trunk, NULL);
    trial_fork(s, SECOND, &trunk, NULL);
    trial_send_fork(s, third, 0, NULL);
    trial_await_forked(s, 3, "experiment.memory allows");
    trial_send_drop(s, 0); // the lowest number that is left is the trunk now
    trial_fork(s, 4, &(struct trial){SECOND, 2, 0}, NULL);
    trial_send_fork(s, (struct trial){5, 2, 0}, SECOND, NULL);
    trial_await_forked(s, 5, "experiment.memory allows");
    trial_send_drop(s, FORK);
    trial_fork(s, 6, &(struct trial){SECOND, 2, 0}, NULL);
    server_harness_save(s, 6, 0);
    trial_send_drop(s, 6); // its memory does not count any more, though the snapshot still reads it
    trial_fork(s, 7, &(struct trial){SECOND, 2, 0}, NULL);
    trial_await_saved(s);
    server_harness_free(s);
}

static void a_fork_without_memory_is_refused_in_words_and_leaves_everything(void **state)
{
    (void)state;
    struct server_harness *s =
        server_harness_new((const char *const[]){"experiment.memory=1", NULL}, NULL, NULL);
    struct trial trunk = {0, 2, 0}, fork = {FORK, 2, 2};
    trial_step_to(s, &trunk, 2);
    trial_send_fork(s, fork, 0, NULL);
    trial_await_forked(s, FORK,
                       "bytes beside 0 of other forks, and experiment.memory allows 1 for all");
    trial_push(s, &fork, 0, 2);
    trial_send_drop(s, FORK); // as on the servers that had memory
    trial_step_to(s, &trunk, 4);
    server_harness_check_silence(s, COORDINATOR);
    trial_check_same(trial_save(s, &trunk), trial_alone(4));
    server_harness_free(s);
}

static void a_trial_that_is_dropped_while_it_is_saved_is_written_whole(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct server_harness *s = server_harness_new(NULL, NULL, NULL);
        struct trial trunk = {0, 2, 0};
        trial_step_to(s, &trunk, 2);
        struct trial fork = trial_fork(s, FORK, &trunk, NULL);
        trial_push_all(s, &fork, 2);
        trial_await_norms(s, &fork);
        server_harness_save(s, FORK, 2);
        server_harness_decide(s, FORK, 2); // waits, and is never carried out
        server_harness_pull(s, FORK, 2);
        trial_send_drop(s, FORK);
        server_harness_pull(s, FORK, 2);
        trial_push(s, &fork, 0, 2); // all of it is there in one turn, while the thread writes
        trial_push(s, &trunk, 0, 2);
        trial_check_same(trial_await_saved(s), trial_alone(2));
        for (size_t b = 1; b < s->layout->n_blocks; b++)
            trial_push(s, &trunk, b, 2);
        server_harness_check_silence(s, WORKER);
        trial_await_norms(s, &trunk);
        trial_commit(s, &trunk);
        server_harness_free(s);
    }
}

static void only_updates_of_the_trial_that_is_saved_wait(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    struct trial trunk = {0, 2, 0};
    struct trial fork = trial_fork(s, FORK, &trunk, NULL);
    int first = 0;
    for (uint64_t round = 0; round < 20; round++) {
        trial_push_all(s, &trunk, round);
        trial_await_norms(s, &trunk);
        trial_push_all(s, &fork, round);
        trial_await_norms(s, &fork);
        server_harness_save(s, 0, round);
        server_harness_decide(s, 0, round);
        server_harness_decide(s, FORK, round);
        struct parcel parcel = {0};
        bool saved = false, trunks = false, forks = false;
        for (double deadline = clock_now() + 20;
             clock_now() < deadline && !(saved && trunks && forks);) {
            server_harness_turn(s);
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
    trial_check_same(trial_save(s, &fork), trial_save(s, &trunk));
    server_harness_free(s);
}

static void orders_and_frames_that_name_the_wrong_trial_are_refused(void **state)
{
    (void)state;
    struct server_harness *s = server_harness_new(NULL, NULL, NULL);
    struct trial trunk = {0, 2, 0}, five = {5, 2, 0};
    trial_send_fork(s, five, 4, NULL);
    server_harness_check_fails(s, "rank 0 spoke of trial 4, which was never forked here");
    trial_send_fork(s, trunk, 0, NULL);
    server_harness_check_fails(s, "trial 0 is to be forked, but numbers below 1 are taken");
    trial_fork(s, 5, &trunk, NULL);
    trial_send_fork(s, five, 0, NULL);
    server_harness_check_fails(s, "trial 5 is to be forked, but numbers below 6 are taken");
    trial_send_drop(s, 5);
    trial_send_fork(s, five, 0, NULL);
    server_harness_check_fails(s, "trial 5 is to be forked, but numbers below 6 are taken");
    trial_send_fork(s, (struct trial){6, 2, 0}, 5, NULL);
    server_harness_check_fails(s, "an order for trial 5 came, which is over");
    server_harness_save(s, 5, 0);
    server_harness_check_fails(s, "an order for trial 5 came, which is over");
    server_harness_decide(s, 5, 0);
    server_harness_check_fails(s, "an order for trial 5 came, which is over");
    server_harness_pull(s, 9, 0);
    server_harness_check_fails(s, "rank 2 spoke of trial 9, which was never forked here");
    struct frame frame;
    server_harness_header(&frame, s, 9, 0, 0);
    server_harness_push(s, &frame, 1);
    server_harness_check_fails(s, "rank 2 spoke of trial 9, which was never forked here");
    trial_send_drop(s, 9);
    server_harness_check_fails(s, "rank 0 spoke of trial 9, which was never forked here");
    server_harness_free(s);
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
