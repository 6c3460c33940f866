/* The coordinator's files: the run, its metrics, its checkpoints. */
#include "tests/unit/support.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/keeper.h"
#include "coordinator/metrics.h"
#include "coordinator/run.h"
#include "proto/file/checkpoint.h"
#include "proto/file/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include <unistd.h>

struct place {
    char *root, *run;
};

static int set_up(void **state)
{
    struct place *p = mem_new(1, sizeof *p);
    p->root = test_folder_new();
    p->run = file_join(p->root, "run");
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    test_folder_free(p->root);
    free(p->run);
    free(p);
    return 0;
}

static void warn(const char *sentence)
{
    fail_msg("unexpected: %s", sentence);
}

static Trireme__Run *config_of(const char *setting)
{
    struct err err;
    char *const settings[] = {"data.sources=[{name: a, path: x, weight: 2}, {name: b, path: y, weight: 1}]",
                              (char *)setting};
    Trireme__Run *config = run_config_read(NULL, settings, setting ? 2 : 1, &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

static void claim(struct run *run, const struct place *p)
{
    struct err err;
    if (run_plan_train(run, p->run, config_of(NULL), &err) < 0 || run_claim(run, &err) < 0)
        fail_msg("%s", err.text);
}

static char *content(const char *folder, const char *name)
{
    struct err err;
    char *path = file_join(folder, name), *text = file_read(path, NULL, ERR_DATA, &err);
    free(path);
    if (!text)
        fail_msg("%s", err.text);
    return text;
}

static void put(const char *folder, const char *name, const char *text)
{
    struct err err;
    char *path = file_join(folder, name);
    assert_int_equal(file_make_dirs(folder, ERR_USAGE, &err), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), ERR_USAGE, &err), 0);
    free(path);
}

static void a_new_run_is_planned_without_a_trace_and_claimed_with_its_configuration(void **state)
{
    const struct place *p = *state;
    struct err err;
    struct run run;
    assert_int_equal(run_plan_train(&run, p->run, config_of(NULL), &err), 0);
    assert_false(file_exists(p->run));
    assert_int_equal(run_claim(&run, &err), 0);
    assert_int_equal(run.incarnation, 1);
    assert_int_equal(run_locate(&run, warn, &err), 0);
    assert_true(run.checkpoint == NULL && run.manifest == NULL && run.step == 0 && run.n_segments == 1);
    assert_true(run.segments[0]->n_weights == 2 && run.segments[0]->weights[0] == 2);
    run_clear(&run);
    Trireme__Run *there = run_config_of(p->run, &err), *expected = config_of(NULL);
    assert_true(there && message_equal(there, expected));
    message_free(there);
    message_free(expected);
}

static void each_launch_of_a_run_has_the_next_incarnation(void **state)
{
    struct run run;
    for (uint64_t launch = 1; launch <= 3; launch++) {
        claim(&run, *state);
        assert_int_equal(run.incarnation, launch);
        run_clear(&run);
    }
}

static void an_incarnation_that_is_no_number_is_refused(void **state)
{
    const struct place *p = *state;
    struct run run;
    struct err err;
    claim(&run, p);
    run_clear(&run);
    put(p->run, "incarnation", "many\n");
    assert_int_equal(run_plan_train(&run, p->run, config_of(NULL), &err), 0);
    assert_int_equal(run_claim(&run, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "found 'many\n', expected the number of launches");
    run_clear(&run);
}

static void a_run_is_trained_by_one_process_at_a_time(void **state)
{
    const struct place *p = *state;
    struct run first, second;
    struct err err;
    claim(&first, p);
    assert_int_equal(run_plan_train(&second, p->run, config_of(NULL), &err), 0);
    assert_int_equal(run_claim(&second, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "this run is being trained by another process");
    run_clear(&second);
    char *launches = content(p->run, "incarnation");
    assert_string_equal(launches, "1\n"); // the refused one has left nothing
    free(launches);
    run_clear(&first);
    claim(&second, p);
    run_clear(&second);
}

static void training_with_another_configuration_is_refused_with_the_field(void **state)
{
    const struct place *p = *state;
    struct run run;
    struct err err;
    claim(&run, p);
    run_clear(&run);
    assert_int_equal(run_plan_train(&run, p->run, config_of("optimizer.beta2=0.99"), &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "a run with another configuration is there (it differs in optimizer.beta2)");
    assert_true(run.config == NULL && run.folder == NULL);
    assert_int_equal(run_plan_train(&run, p->run, config_of("data.sources.1.weight=1"), &err), 0); // the same
    run_clear(&run);
}

static void a_folder_that_is_no_run_is_refused_and_one_left_by_a_launch_that_died_is_not(void **state)
{
    const struct place *p = *state;
    struct run run;
    struct err err;
    assert_int_equal(file_make_dirs(p->run, ERR_USAGE, &err), 0);
    assert_int_equal(run_plan_train(&run, p->run, config_of(NULL), &err), 0); // empty
    run_clear(&run);
    claim(&run, p);
    run_clear(&run);
    char *config = file_join(p->run, "config.yaml"); // as if the launch had died just before it was there
    assert_int_equal(unlink(config), 0);
    free(config);
    put(p->run, "config.yaml.tmp-99", "half");
    claim(&run, p);
    assert_int_equal(run.incarnation, 2);
    run_clear(&run);
    char *other = file_join(p->root, "other"), *kept = file_join(other, "checkpoints/step-00000001");
    assert_int_equal(file_make_dirs(kept, ERR_USAGE, &err), 0);
    assert_int_equal(run_plan_train(&run, other, config_of(NULL), &err), -1); // has a checkpoint of who knows what
    assert_contains(err.text, "found a folder that is no run (it has no config.yaml)");
    put(p->root, "letter.txt", "dear");
    assert_int_equal(run_plan_train(&run, p->root, config_of(NULL), &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    free(kept);
    free(other);
}

static void check_resume_refused(const struct place *p, const char *setting, const char *sentence)
{
    struct run run;
    struct err err;
    char *const settings[] = {(char *)setting};
    if (run_plan_resume(&run, p->run, settings, 1, &err) == 0)
        fail_msg("%s was taken", setting);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, sentence);
}

static void resuming_takes_what_may_change_and_refuses_the_rest(void **state)
{
    const struct place *p = *state;
    struct run run;
    struct err err;
    check_resume_refused(p, "train.steps=9", "found no run there");
    claim(&run, p);
    run_clear(&run);
    check_resume_refused(p, "model.width=192", "--set model.width: this cannot change in a run that exists");
    check_resume_refused(p, "model.layers=7", "--set model.layers: this cannot change");
    check_resume_refused(p, "train.seed=1", "--set train.seed: this cannot change");
    check_resume_refused(p, "data.order=sequential", "--set data.order: this cannot change");
    check_resume_refused(p, "data.sources.2.path=z", "--set data.sources: this cannot change");
    check_resume_refused(p, "train.batch=3", "a multiple of train.microbatch");
    check_resume_refused(p, "nonsense=1", "nonsense");
    char *const settings[] = {"train.steps=900", "optimizer.lr=0.5", "data.sources.0.weight=3", "train.batch=64"};
    assert_int_equal(run_plan_resume(&run, p->run, settings, 4, &err), 0);
    assert_int_equal(run_claim(&run, &err), 0);
    assert_true(run.config->train->steps == 900 && run.config->data->sources[0]->weight == 3);
    run_clear(&run);
    Trireme__Run *there = run_config_of(p->run, &err);
    assert_int_equal(there->train->steps, 900);
    message_free(there);
}

static void more_changes_than_one_can_count_are_all_looked_at(void **state)
{
    const struct place *p = *state;
    struct run run;
    struct err err;
    enum { SOURCES = 80 };
    char *settings[SOURCES + 1];
    for (int i = 0; i < SOURCES; i++)
        settings[i] = mem_format("data.sources.%d={name: s%d, path: x, weight: 1}", i, i);
    Trireme__Run *config = run_config_read(NULL, settings, SOURCES, &err);
    assert_non_null(config);
    assert_int_equal(run_plan_train(&run, p->run, config, &err), 0);
    assert_int_equal(run_claim(&run, &err), 0);
    run_clear(&run);
    for (int i = 0; i < SOURCES; i++) {
        free(settings[i]);
        settings[i] = mem_format("data.sources.%d.weight=2", i);
    }
    settings[SOURCES] = (char *)"train.seed=1";
    assert_int_equal(run_plan_resume(&run, p->run, settings, SOURCES, &err), 0);
    run_clear(&run);
    assert_int_equal(run_plan_resume(&run, p->run, settings, SOURCES + 1, &err), -1);
    assert_contains(err.text, "train.seed");
    for (int i = 0; i < SOURCES; i++)
        free(settings[i]);
}

static void how_a_launch_ended_stands_in_its_status(void **state)
{
    const struct place *p = *state;
    struct run run;
    struct err err, how;
    claim(&run, p);
    err_set(&how, ERR_TRAIN, "the \"reason\"\n");
    assert_int_equal(run_status_write(&run, 42, &how, &err), 0);
    char *text = content(p->run, "status.json");
    Trireme__Status *status = message_new(&trireme__status__descriptor);
    assert_int_equal(json_read(status, text, strlen(text), "status.json", ERR_DATA, &err), 0);
    assert_true(status->incarnation == 1 && status->code == ERR_TRAIN && status->step == 42);
    assert_string_equal(status->text, how.text);
    message_free(status);
    free(text);
    run_clear(&run);
}

static void write_step(struct metrics *m, uint64_t step)
{
    struct err err;
    Trireme__TrainLine line = TRIREME__TRAIN_LINE__INIT;
    line.has_step = 1, line.step = step;
    line.has_loss = 1, line.loss = 1.5;
    if (metrics_write(m, &line, &err) < 0)
        fail_msg("%s", err.text);
}

static char *cut_back(const char *run, uint64_t step)
{
    struct err err;
    struct metrics *m = metrics_open(run, step, &err);
    if (!m)
        fail_msg("%s", err.text);
    metrics_free(m);
    return content(run, "metrics.jsonl");
}

static void metrics_are_cut_back_to_a_step_and_no_further(void **state)
{
    const struct place *p = *state;
    struct err err;
    put(p->run, "config.yaml", "");
    struct metrics *m = metrics_open(p->run, 0, &err);
    assert_non_null(m);
    Trireme__EventLine event = TRIREME__EVENT_LINE__INIT;
    event.what = (char *)"begun; it quotes \"step\":99,";
    assert_int_equal(metrics_write(m, &event, &err), 0);
    for (uint64_t step = 1; step <= 12; step++)
        write_step(m, step);
    Trireme__EvalLine eval = TRIREME__EVAL_LINE__INIT;
    eval.has_step = 1, eval.step = 12;
    assert_int_equal(metrics_write(m, &eval, &err), 0);
    assert_int_equal(metrics_sync(m, &err), 0);
    metrics_free(m);
    char *whole = content(p->run, "metrics.jsonl"), *same = cut_back(p->run, 12);
    assert_string_equal(same, whole);
    char *cut = cut_back(p->run, 9), *again = cut_back(p->run, 9);
    assert_string_equal(again, cut);
    assert_int_equal(strncmp(whole, cut, strlen(cut)), 0);
    assert_contains(cut, "\"step\":9,");
    assert_null(strstr(cut, "\"step\":10"));
    assert_contains(cut, "begun");
    char *none = cut_back(p->run, 0);
    assert_contains(none, "begun");
    assert_null(strstr(none, "train"));
    free(none);
    free(again);
    free(cut);
    free(same);
    free(whole);
}

static void a_line_that_a_crash_left_unfinished_is_cut_off(void **state)
{
    const struct place *p = *state;
    struct err err;
    put(p->run, "metrics.jsonl", "{\"kind\":\"train\",\"step\":1}\n{\"kind\":\"train\",\"st");
    struct metrics *m = metrics_open(p->run, 5, &err);
    write_step(m, 2);
    metrics_free(m);
    char *text = content(p->run, "metrics.jsonl");
    static const char expected[] =
        "{\"kind\":\"train\",\"step\":1}\n{\"kind\":\"train\",\"trial\":\"trunk\",\"step\":2,";
    assert_int_equal(strncmp(text, expected, sizeof expected - 1), 0);
    assert_int_equal(text[strlen(text) - 1], '\n');
    free(text);
}

static void metrics_that_cannot_be_written_are_an_error(void **state)
{
    const struct place *p = *state;
    struct err err;
    assert_null(metrics_open(p->run, 0, &err)); // no such folder
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "metrics.jsonl: cannot write");
}

static Trireme__Saved *saved_of(const char *folder, int server, uint64_t step)
{
    char *name = mem_format("shard-%d-of-2.safetensors", server), hex[DIGEST_HEX_SIZE];
    put(folder, name, name);
    digest_hex(hex, digest_of(name, strlen(name)));
    Trireme__Saved *saved = message_new(&trireme__saved__descriptor);
    saved->has_step = 1, saved->step = step;
    saved->shard->file = name;
    saved->shard->digest = mem_strdup(hex);
    saved->shard->has_bytes = 1, saved->shard->bytes = strlen(name);
    saved->has_stall_ms = 1, saved->stall_ms = server == 0 ? 7 : 3;
    return saved;
}

static void take(struct keeper *k, const char *folder, int server, uint64_t step)
{
    struct err err;
    Trireme__Saved *saved = saved_of(folder, server, step);
    if (keeper_take(k, server, saved, &err) < 0)
        fail_msg("%s", err.text);
    message_free(saved);
}

static void a_checkpoint_is_complete_with_the_last_shard(void **state)
{
    const struct place *p = *state;
    struct err err;
    struct run run;
    claim(&run, p);
    assert_int_equal(run_locate(&run, warn, &err), 0);
    struct metrics *m = metrics_open(p->run, 0, &err);
    struct keeper *k = keeper_new(&run, m, 2);
    assert_true(!keeper_busy(k) && keeper_step(k) == 0 && keeper_fingerprint(k) == NULL);
    keeper_describe(k, "kernels", "data");
    for (uint64_t step = 5; step <= 25; step += 5) {
        char *folder = mem_strdup(keeper_begin(k, step, 32 * step, &err));
        assert_true(keeper_busy(k));
        take(k, folder, 1, step);
        assert_true(keeper_busy(k) && keeper_step(k) == step - 5);
        take(k, folder, 0, step);
        assert_true(!keeper_busy(k) && keeper_step(k) == step);
        free(folder);
    }
    size_t n = 0;
    uint64_t *steps = checkpoint_steps(p->run, &n, &err);
    assert_true(n == 3 && steps[0] == 15 && steps[2] == 25); // checkpoint.keep
    free(steps);
    char *lines = content(p->run, "metrics.jsonl");
    assert_contains(lines, "{\"kind\":\"checkpoint\",\"step\":25,\"stall_ms\":7,\"bytes\":48,");
    free(lines);
    keeper_free(k);
    metrics_free(m);
    run_clear(&run);
    claim(&run, p);
    assert_int_equal(run_locate(&run, warn, &err), 0);
    assert_true(run.step == 25 && run.samples == 800 && run.n_segments == 1);
    assert_string_equal(run.manifest->fingerprint, "kernels");
    assert_string_equal(run.manifest->data_digest, "data");
    assert_int_equal(run.manifest->incarnation, 1);
    assert_string_equal(run.manifest->shards[1]->file, "shard-1-of-2.safetensors");
    run_clear(&run);
}

static void shards_that_nobody_asked_for_are_refused(void **state)
{
    const struct place *p = *state;
    struct err err;
    struct run run;
    claim(&run, p);
    struct metrics *m = metrics_open(p->run, 0, &err);
    struct keeper *k = keeper_new(&run, m, 2);
    char *elsewhere = file_join(p->root, "elsewhere");
    Trireme__Saved *saved = saved_of(elsewhere, 0, 5);
    assert_int_equal(keeper_take(k, 0, saved, &err), -1); // before any order
    assert_string_equal(err.text, "server 0 saved step 5, which nobody asked for");
    assert_non_null(keeper_begin(k, 6, 1, &err));
    assert_int_equal(keeper_take(k, 0, saved, &err), -1); // another step
    saved->step = 6;
    assert_int_equal(keeper_take(k, 0, saved, &err), 0);
    assert_int_equal(keeper_take(k, 0, saved, &err), -1); // twice
    assert_true(keeper_busy(k));
    char *folder = checkpoint_folder(p->run, 6), *manifest = file_join(folder, "manifest.json");
    assert_false(file_exists(manifest));
    free(manifest);
    free(folder);
    message_free(saved);
    free(elsewhere);
    keeper_free(k);
    metrics_free(m);
    run_clear(&run);
}

static void what_a_launch_that_died_left_in_a_checkpoint_is_removed_first(void **state)
{
    const struct place *p = *state;
    struct err err;
    struct run run;
    claim(&run, p);
    struct metrics *m = metrics_open(p->run, 0, &err);
    struct keeper *k = keeper_new(&run, m, 2);
    char *folder = checkpoint_folder(p->run, 5), *stale = file_join(folder, "shard-0-of-9.safetensors");
    put(folder, "shard-0-of-9.safetensors", "stale");
    assert_non_null(keeper_begin(k, 5, 1, &err));
    assert_false(file_exists(stale));
    assert_true(file_is_dir(folder));
    free(stale);
    free(folder);
    keeper_free(k);
    metrics_free(m);
    run_clear(&run);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_new_run_is_planned_without_a_trace_and_claimed_with_its_configuration),
        test(each_launch_of_a_run_has_the_next_incarnation),
        test(an_incarnation_that_is_no_number_is_refused),
        test(a_run_is_trained_by_one_process_at_a_time),
        test(training_with_another_configuration_is_refused_with_the_field),
        test(a_folder_that_is_no_run_is_refused_and_one_left_by_a_launch_that_died_is_not),
        test(resuming_takes_what_may_change_and_refuses_the_rest),
        test(more_changes_than_one_can_count_are_all_looked_at),
        test(how_a_launch_ended_stands_in_its_status),
        test(metrics_are_cut_back_to_a_step_and_no_further),
        test(a_line_that_a_crash_left_unfinished_is_cut_off),
        test(metrics_that_cannot_be_written_are_an_error),
        test(a_checkpoint_is_complete_with_the_last_shard),
        test(shards_that_nobody_asked_for_are_refused),
        test(what_a_launch_that_died_left_in_a_checkpoint_is_removed_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
