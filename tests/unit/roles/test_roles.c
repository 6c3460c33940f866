/* Coordinator, servers and workers together, over the local transport. */
#include "tests/unit/roles/role_harness.h"

#include "math/kernels.h"
#include "proto/order/segment.h"
#include "worker/data/dataset.h"
#include "worker/model/model.h"

#include <math.h>

/* A temporary folder with token files in `data`. */
struct fixture {
    char *root, *data, *run;
};

static int set_up(void **state)
{
    struct fixture *f = mem_new(1, sizeof *f);
    f->root = test_folder_new();
    f->data = file_join(f->root, "data");
    f->run = file_join(f->root, "run");
    role_harness_write_source(f->data, "a", 1, 4001, true);
    role_harness_write_source(f->data, "b", 3, 3001, false);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    test_folder_free(f->root);
    free(f->data);
    free(f->run);
    free(f);
    return 0;
}

/* Trains the named run, from the beginning or from where it is. */
static void train(const struct fixture *f, const char *name, const char *const *settings,
                  const struct harness_launch *launch, struct err *how)
{
    struct run run;
    struct err err;
    char *folder = file_join(f->root, name);
    if (run_plan_train(&run, folder, role_harness_config(f->data, settings), &err) < 0)
        fail_msg("%s", err.text);
    role_harness_run(&run, launch, how);
    free(folder);
}

static struct checkpoint_state checkpoint_state_of(const struct fixture *f, const char *name,
                                                   uint64_t step)
{
    char *folder = file_join(f->root, name);
    struct checkpoint_state kept = checkpoint_state_read(folder, step);
    free(folder);
    return kept;
}

static char *lines_of(const struct fixture *f, const char *name, uint64_t steps)
{
    char *folder = file_join(f->root, name);
    char *lines = metrics_of(folder, steps);
    free(folder);
    return lines;
}

/* Checks that a run has the bits and the curve of another. */
static void check_same(const struct fixture *f, const char *found_name, const char *expected_name,
                       uint64_t step)
{
    struct checkpoint_state found = checkpoint_state_of(f, found_name, step),
                            expected = checkpoint_state_of(f, expected_name, step);
    checkpoint_state_check_equal(&found, &expected);
    checkpoint_state_free(&found);
    checkpoint_state_free(&expected);
    char *found_lines = lines_of(f, found_name, step),
         *expected_lines = lines_of(f, expected_name, step);
    assert_string_equal(found_lines, expected_lines);
    free(found_lines);
    free(expected_lines);
}

static void check_numbers_of_ranks(void **state, const char *const *settings)
{
    const struct fixture *f = *state;
    static const int numbers[][3] = {
        {1, 1, 2},
        {2, 1, 1},
        {3, 2, 1},
        {4, 3, 2},
        {5, 1, 1},
        {9, 2, 1}
    }; // workers, servers, room
    struct err how;
    char names[6][8];
    for (int i = 0; i < 6; i++) {
        snprintf(names[i], sizeof names[i], "run%d", i);
        struct harness_launch launch = {
            .workers = numbers[i][0], .servers = numbers[i][1], .room = numbers[i][2]};
        train(f, names[i], settings, &launch, &how);
        check_same(f, names[i], names[0], 6);
    }
}

static void six_leaves_give_the_same_bits_on_any_number_of_workers_and_servers(void **state)
{
    check_numbers_of_ranks(state, (const char *const[]){"eval.every=3", "eval.samples=5", NULL});
}

static void seven_leaves_give_the_same_bits_on_any_number_of_workers_and_servers(void **state)
{
    check_numbers_of_ranks(state,
                           (const char *const[]){"train.batch=7", "train.microbatch=1",
                                                 "model.arch=llama", "optimizer.clip=0.05", NULL});
}

static void training_lowers_the_loss(void **state)
{
    const struct fixture *f = *state;
    struct err how;
    train(f, "run", (const char *const[]){"train.steps=30", NULL},
          &(struct harness_launch){.workers = 2, .servers = 1}, &how);
    char *lines = lines_of(f, "run", 30), *last = strstr(lines, "train 30 ");
    double first_loss = strtod(strstr(lines, "train 1 ") + 8, NULL),
           last_loss = strtod(last + 9, NULL);
    if (!(first_loss > 5 && last_loss < first_loss - 0.5))
        fail_msg("the loss went from %g to %g", first_loss, last_loss);
    free(lines);
}

/* Checks the loss in the line of the step after a checkpoint. The expected one is computed here,
 * sample by sample, from the weights in the checkpoint and the samples that are due. */
static void check_loss_after(const struct fixture *f, const char *name, uint64_t step,
                             const char *lines)
{
    struct err err;
    char *run = file_join(f->root, name), *folder = checkpoint_folder(run, step + 1);
    Trireme__Manifest *next = checkpoint_manifest(folder, &err);
    assert_non_null(next);
    struct checkpoint_state kept = checkpoint_state_read(run, step);
    const Trireme__Config *config = next->config;
    assert_int_equal(next->samples, kept.samples + config->train->batch);
    struct layout *layout = layout_new(config->model);
    struct dataset *dataset = dataset_open(config->data, config->model->context,
                                           config->model->vocab, config->train->seed, &err);
    struct order *order =
        order_new((const Trireme__Segment *const *)next->segments, next->n_segments, &err);
    struct model *model = model_new(config->model, layout, kernels_best(), 1);
    double sum = 0;
    for (uint64_t i = kept.samples; i < next->samples; i++) {
        int32_t tokens[64];
        double loss = 0;
        assert_int_equal(dataset_sample(dataset, order, tokens, i, &err), 0);
        assert_true(model_losses(model, &loss, kept.arrays[0], tokens, 1));
        sum += loss;
    }
    double expected = sum / (config->train->batch * config->model->context);
    char *key = mem_format("train %llu ", (unsigned long long)step + 1), *line = strstr(lines, key);
    double found = strtod(line + strlen(key), NULL);
    if (!(fabs(found - expected) < 1e-6))
        fail_msg("step %llu: found a loss of %.9g, expected %.9g", (unsigned long long)step + 1,
                 found, expected);
    free(key);
    model_free(model);
    order_free(order);
    dataset_free(dataset);
    layout_free(layout);
    checkpoint_state_free(&kept);
    message_free(next);
    free(folder);
    free(run);
}

static void each_step_reads_the_samples_that_are_due_also_after_changes(void **state)
{
    const struct fixture *f = *state;
    struct err how, err;
    struct run run;
    const char *const settings[] = {"train.steps=4", "checkpoint.every=1", "checkpoint.keep=100",
                                    NULL};
    train(f, "run", settings, &(struct harness_launch){.workers = 2, .servers = 1}, &how);
    char *const changes[] = {"train.steps=7", "train.batch=8", "data.sources.1.weight=5"};
    assert_int_equal(run_plan_resume(&run, f->run, changes, 3, &err), 0);
    role_harness_run(&run, &(struct harness_launch){.workers = 3, .servers = 2}, &how);
    char *lines = metrics_of(f->run, 7);
    for (uint64_t step = 1; step < 7; step++)
        check_loss_after(f, "run", step, lines);
    free(lines);
}

/* Another set of workers at each step, one alone at times. */
static void plan_changes(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    (void)trial;
    for (size_t w = 0; w < n_workers; w++)
        active[w] = (step + w) % 3 == 0 || w == step % n_workers;
}

static void workers_that_join_and_leave_between_steps_change_nothing(void **state)
{
    const struct fixture *f = *state;
    const char *const settings[] = {"eval.every=2", "eval.samples=7", "checkpoint.every=2", NULL};
    struct err how;
    train(f, "all", settings, &(struct harness_launch){.workers = 2, .servers = 2}, &how);
    train(f, "some", settings,
          &(struct harness_launch){.workers = 4, .servers = 2, .room = 1, .plan = plan_changes},
          &how);
    check_same(f, "some", "all", 6);
}

static volatile sig_atomic_t stop;

static void plan_stops(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    (void)trial;
    (void)active, (void)n_workers;
    stop = step >= 3;
}

static void a_run_that_was_stopped_goes_on_with_the_bits_of_one_that_was_not(void **state)
{
    const struct fixture *f = *state;
    const char *const settings[] = {"train.steps=8", "eval.every=3", "eval.samples=5", NULL};
    struct err how;
    train(f, "whole", settings, &(struct harness_launch){.workers = 3, .servers = 2}, &how);
    stop = 0;
    train(
        f, "parts", settings,
        &(struct harness_launch){
            .workers = 2, .servers = 3, .plan = plan_stops, .stop = &stop, .expected = ERR_STOPPED},
        &how);
    assert_contains(how.text, "stopped on request at step 4, with a checkpoint");
    train(f, "parts", settings, &(struct harness_launch){.workers = 5, .servers = 1, .room = 1},
          &how);
    check_same(f, "parts", "whole", 8);
    // nothing to do is no error
    train(f, "parts", settings, &(struct harness_launch){.workers = 1, .servers = 1}, &how);
    check_same(f, "parts", "whole", 8);
}

static void a_run_that_broke_goes_on_from_its_checkpoint_and_has_each_step_once(void **state)
{
    const struct fixture *f = *state;
    const char *const settings[] = {"train.steps=200",        "checkpoint.every=2",
                                    "checkpoint.keep=2",      "wait.patience=1",
                                    "schedule.kind=constant", NULL};
    struct err how;
    train(f, "broken", settings,
          &(struct harness_launch){.workers = 2,
                                   .servers = 1,
                                   .silent_rank = 3,
                                   .silent_after = 150,
                                   .expected = ERR_MACHINE},
          &how);
    assert_contains(how.text, "worker 1 (rank 3 on ");
    assert_contains(how.text, "has been silent for 1 s while its part of a step was awaited");
    char *folder = file_join(f->root, "broken");
    size_t n = 0;
    struct err err;
    uint64_t *steps = checkpoint_steps(folder, &n, &err);
    assert_true(steps && n > 0 && n <= 2 && steps[n - 1] < 198); // it got on, and broke
    struct run run;
    char *const fewer[] = {mem_format("train.steps=%llu", (unsigned long long)steps[n - 1] + 2)};
    assert_int_equal(run_plan_resume(&run, folder, (char *const *)fewer, 1, &err), 0);
    role_harness_run(&run, &(struct harness_launch){.workers = 4, .servers = 2}, &how);
    const char *const whole[] = {fewer[0], "schedule.kind=constant", NULL};
    train(f, "whole", whole, &(struct harness_launch){.workers = 1, .servers = 1}, &how);
    check_same(f, "broken", "whole", steps[n - 1] + 2);
    free(fewer[0]);
    free(steps);
    free(folder);
}

static void a_server_that_falls_silent_ends_the_run_with_its_name(void **state)
{
    const struct fixture *f = *state;
    struct err how;
    double began = clock_now();
    train(f, "run", (const char *const[]){"train.steps=1000", "wait.patience=1", NULL},
          &(struct harness_launch){.workers = 1,
                                   .servers = 2,
                                   .silent_rank = 2,
                                   .silent_after = 100,
                                   .expected = ERR_MACHINE},
          &how);
    assert_true(clock_now() - began < 10);
    assert_contains(how.text, "server 1 (rank 2 on ");
    assert_contains(how.text, "has been silent for 1 s");
}

static void a_rank_that_never_answers_ends_the_run_with_its_name(void **state)
{
    const struct fixture *f = *state;
    struct err how;
    train(f, "run", (const char *const[]){"wait.patience=1", NULL},
          &(struct harness_launch){
              .workers = 2, .servers = 1, .silent_rank = 2, .expected = ERR_MACHINE},
          &how);
    assert_string_equal(
        how.text, "worker 0 (rank 2) has been silent for 1 s while its readiness was awaited");
}

/* Ranks that only wait beat often enough for the shortest patience. */
static void ranks_that_live_are_not_blamed_at_the_shortest_patience(void **state)
{
    const struct fixture *f = *state;
    struct err how, err;
    struct run run;
    struct harness_launch launch = {.workers = 2, .servers = 1};
    assert_int_equal(
        run_plan_train(&run, f->run,
                       role_harness_config(f->data, (const char *const[]){"wait.patience=1", NULL}),
                       &err),
        0);
    assert_int_equal(run_claim(&run, &err), 0);
    assert_int_equal(run_locate(&run, fail_on_warning, NULL, &err), 0);
    struct role_harness harness;
    role_harness_open(&harness, &launch);
    struct coordinator_options options = {.n_servers = 1};
    struct coordinator *coordinator = coordinator_new(&harness.front.base, &run, &options, &err);
    harness.ranks[2].silent = true; // this rank lives, but it only beats
    harness.ranks[2].link->patience = 1;
    double until = clock_now() + 2.5;
    while (clock_now() < until) {
        harness.ranks[2].link->heard = clock_now();
        if (link_keep(harness.ranks[2].link, &err) < 0 ||
            coordinator_turn(coordinator, &err) == TURN_FAILED)
            fail_msg("%s", err.text);
        clock_sleep(1e-3);
    }
    harness.ranks[2].silent = false;
    coordinator_run(coordinator, &how);
    assert_int_equal(how.code, ERR_NONE);
    role_harness_finish(&harness);
    coordinator_free(coordinator);
    role_harness_close(&harness);
    run_clear(&run);
}

static void a_token_beyond_the_vocabulary_ends_the_run_with_its_sentence(void **state)
{
    const struct fixture *f = *state;
    struct err how;
    char *path = file_join(f->data, "a/train_000000.bin"), *bytes;
    size_t size = 0;
    bytes = file_read(path, &size, ERR_DATA, &how);
    const uint16_t token = 300;
    for (uint32_t i = 1000; i < 3000; i += 100)
        memcpy(bytes + 1024 + 2 * i, &token, sizeof token);
    assert_int_equal(file_write_atomic(path, bytes, size, ERR_DATA, &how), 0);
    train(f, "run", (const char *const[]){"train.steps=200", NULL},
          &(struct harness_launch){.workers = 3, .servers = 2, .room = 1, .expected = ERR_DATA},
          &how);
    assert_contains(how.text, "a/train_000000.bin: token ");
    assert_contains(how.text, " is 300, expected one below the vocabulary of 256");
    free(bytes);
    free(path);
}

static void data_that_is_missing_ends_the_run_before_it_begins(void **state)
{
    const struct fixture *f = *state;
    struct err how;
    train(f, "run", (const char *const[]){"data.sources.0.path=/nowhere/at/all", NULL},
          &(struct harness_launch){.workers = 2, .servers = 1, .expected = ERR_DATA}, &how);
    assert_contains(how.text, "/nowhere/at/all: cannot open");
}

static void more_servers_than_blocks_end_the_run_with_a_sentence(void **state)
{
    const struct fixture *f = *state;
    struct err how;
    train(f, "run",
          (const char *const[]){"model.layers=1", "model.arch=llama", "model.tied=true", NULL},
          &(struct harness_launch){.workers = 1, .servers = 10, .expected = ERR_USAGE}, &how);
    assert_contains(how.text, "servers: found 10, expected at most");
}

static void a_run_that_diverges_ends_with_a_failure_and_keeps_its_checkpoint(void **state)
{
    const struct fixture *f = *state;
    struct err how, err;
    // the decay alone multiplies every matrix by 1 - 100 * 10 in each step
    train(f, "run",
          (const char *const[]){"train.steps=100", "optimizer.lr=100", "optimizer.weight_decay=10",
                                "schedule.kind=constant", "checkpoint.every=2", NULL},
          &(struct harness_launch){.workers = 2, .servers = 2, .expected = ERR_TRAIN}, &how);
    assert_contains(how.text, "training has diverged");
    char *folder = NULL;
    Trireme__Manifest *manifest = NULL;
    assert_int_equal(
        checkpoint_newest(&folder, &manifest, f->run, fail_on_warning, NULL, NULL, &err), 0);
    assert_non_null(folder);
    char *kept = mem_format("keeps step %llu", (unsigned long long)manifest->step);
    assert_contains(how.text, kept);
    assert_true(manifest->step > 0);
    free(kept);
    message_free(manifest);
    free(folder);
}

static void a_resumed_run_takes_changes_and_refuses_other_token_files(void **state)
{
    const struct fixture *f = *state;
    struct err how, err;
    struct run run;
    train(f, "run", (const char *const[]){NULL},
          &(struct harness_launch){.workers = 1, .servers = 1}, &how);
    char *const settings[] = {"train.steps=9", "data.sources.1.weight=3", "train.batch=8"};
    assert_int_equal(run_plan_resume(&run, f->run, settings, 3, &err), 0);
    role_harness_run(&run, &(struct harness_launch){.workers = 2, .servers = 2}, &how);
    struct checkpoint_state kept = checkpoint_state_read(f->run, 9);
    assert_int_equal(kept.samples, 6 * 12 + 3 * 8);
    checkpoint_state_free(&kept);
    char *lines = metrics_of(f->run, 9);
    free(lines);
    role_harness_write_source(f->data, "b", 99, 3001, false);
    char *const more[] = {"train.steps=12"};
    assert_int_equal(run_plan_resume(&run, f->run, more, 1, &err), 0);
    role_harness_run(
        &run, &(struct harness_launch){.workers = 2, .servers = 2, .expected = ERR_DATA}, &how);
    assert_contains(how.text, "the token files are not those of the checkpoint");
}

static void weights_of_another_run_are_taken_without_its_moments(void **state)
{
    const struct fixture *f = *state;
    struct err how;
    train(f, "first", (const char *const[]){NULL},
          &(struct harness_launch){.workers = 1, .servers = 2}, &how);
    char *from = mem_format("init.from=%s/first@6", f->root);
    const char *const settings[] = {
        from, "train.steps=1", "optimizer.lr=0", "optimizer.weight_decay=0", "schedule.min_lr=0",
        NULL};
    train(f, "second", settings, &(struct harness_launch){.workers = 2, .servers = 3}, &how);
    struct checkpoint_state first = checkpoint_state_of(f, "first", 6),
                            second = checkpoint_state_of(f, "second", 1);
    assert_memory_equal(second.arrays[0], first.arrays[0], first.n * sizeof(float));
    assert_memory_not_equal(second.arrays[1], first.arrays[1], first.n * sizeof(float));
    assert_int_equal(second.samples, 12);
    checkpoint_state_free(&first);
    checkpoint_state_free(&second);
    free(from);
}

#define test_in_fixture(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_fixture(six_leaves_give_the_same_bits_on_any_number_of_workers_and_servers),
        test_in_fixture(seven_leaves_give_the_same_bits_on_any_number_of_workers_and_servers),
        test_in_fixture(training_lowers_the_loss),
        test_in_fixture(each_step_reads_the_samples_that_are_due_also_after_changes),
        test_in_fixture(workers_that_join_and_leave_between_steps_change_nothing),
        test_in_fixture(a_run_that_was_stopped_goes_on_with_the_bits_of_one_that_was_not),
        test_in_fixture(a_run_that_broke_goes_on_from_its_checkpoint_and_has_each_step_once),
        test_in_fixture(a_server_that_falls_silent_ends_the_run_with_its_name),
        test_in_fixture(a_rank_that_never_answers_ends_the_run_with_its_name),
        test_in_fixture(ranks_that_live_are_not_blamed_at_the_shortest_patience),
        test_in_fixture(a_token_beyond_the_vocabulary_ends_the_run_with_its_sentence),
        test_in_fixture(data_that_is_missing_ends_the_run_before_it_begins),
        test_in_fixture(more_servers_than_blocks_end_the_run_with_a_sentence),
        test_in_fixture(a_run_that_diverges_ends_with_a_failure_and_keeps_its_checkpoint),
        test_in_fixture(a_resumed_run_takes_changes_and_refuses_other_token_files),
        test_in_fixture(weights_of_another_run_are_taken_without_its_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
