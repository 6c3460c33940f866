/* A run on disk as one launch sees it. */
#include "tests/unit/coordinator/run/run_dir.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/run/run.h"
#include "proto/config/run_config.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include <sys/stat.h>
#include <unistd.h>

static void a_new_run_is_planned_without_a_trace_and_claimed_with_its_configuration(void **state)
{
    const struct run_dir *dir = *state;
    struct err err;
    struct run run;
    assert_int_equal(run_plan_train(&run, dir->run, run_dir_config(NULL), &err), 0);
    assert_false(file_exists(dir->run));
    assert_int_equal(run_claim(&run, &err), 0);
    assert_int_equal(run.incarnation, 1);
    assert_int_equal(run_locate(&run, fail_on_warning, NULL, &err), 0);
    assert_true(run.checkpoint == NULL && run.manifest == NULL && run.step == 0 &&
                run.n_segments == 1);
    assert_true(run.segments[0]->n_weights == 2 && run.segments[0]->weights[0] == 2);
    run_clear(&run);
    Trireme__Config *there = run_config_of(dir->run, &err), *expected = run_dir_config(NULL);
    assert_true(there && message_equal(there, expected));
    message_free(there);
    message_free(expected);
}

static void each_launch_of_a_run_has_the_next_incarnation(void **state)
{
    struct run run;
    for (uint64_t launch = 1; launch <= 3; launch++) {
        run_dir_claim(&run, *state);
        assert_int_equal(run.incarnation, launch);
        run_clear(&run);
    }
}

static void an_incarnation_that_is_no_number_is_refused(void **state)
{
    const struct run_dir *dir = *state;
    struct run run;
    struct err err;
    run_dir_claim(&run, dir);
    run_clear(&run);
    must_write_text(dir->run, "incarnation", "many\n");
    assert_int_equal(run_plan_train(&run, dir->run, run_dir_config(NULL), &err), 0);
    assert_int_equal(run_claim(&run, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "found 'many\n', expected the number of launches");
    run_clear(&run);
}

static void a_run_is_trained_by_one_process_at_a_time(void **state)
{
    const struct run_dir *dir = *state;
    struct run first, second;
    struct err err;
    run_dir_claim(&first, dir);
    assert_int_equal(run_plan_train(&second, dir->run, run_dir_config(NULL), &err), 0);
    assert_int_equal(run_claim(&second, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "this run is being trained by another process");
    run_clear(&second);
    char *launches = must_read_in(dir->run, "incarnation", NULL);
    assert_string_equal(launches, "1\n"); // the refused one has left nothing
    free(launches);
    run_clear(&first);
    run_dir_claim(&second, dir);
    run_clear(&second);
}

static void training_with_another_configuration_is_refused_with_the_field(void **state)
{
    const struct run_dir *dir = *state;
    struct run run;
    struct err err;
    run_dir_claim(&run, dir);
    run_clear(&run);
    assert_int_equal(run_plan_train(&run, dir->run, run_dir_config("optimizer.beta2=0.99"), &err),
                     -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text,
                    "a run with another configuration is there (it differs in optimizer.beta2)");
    assert_true(run.config == NULL && run.folder == NULL);
    // the same
    assert_int_equal(
        run_plan_train(&run, dir->run, run_dir_config("data.sources.1.weight=1"), &err), 0);
    run_clear(&run);
}

static void
a_folder_that_is_no_run_is_refused_and_one_left_by_a_launch_that_died_is_not(void **state)
{
    const struct run_dir *dir = *state;
    struct run run;
    struct err err;
    assert_int_equal(file_make_dirs(dir->run, ERR_USAGE, &err), 0);
    assert_int_equal(run_plan_train(&run, dir->run, run_dir_config(NULL), &err), 0); // empty
    run_clear(&run);
    run_dir_claim(&run, dir);
    run_clear(&run);
    // as if the launch had died just before it wrote the configuration
    char *config = file_join(dir->run, "config.yaml");
    assert_int_equal(unlink(config), 0);
    free(config);
    must_write_text(dir->run, "config.yaml.tmp-99", "half");
    run_dir_claim(&run, dir);
    assert_int_equal(run.incarnation, 2);
    run_clear(&run);
    char *other = file_join(dir->root, "other"),
         *kept = file_join(other, "checkpoints/step-00000001");
    assert_int_equal(file_make_dirs(kept, ERR_USAGE, &err), 0);
    // it has a checkpoint of some other program
    assert_int_equal(run_plan_train(&run, other, run_dir_config(NULL), &err), -1);
    assert_contains(err.text, "found a folder that is no run (it has no config.yaml)");
    must_write_text(dir->root, "letter.txt", "dear");
    assert_int_equal(run_plan_train(&run, dir->root, run_dir_config(NULL), &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    free(kept);
    free(other);
}

static void check_resume_refused(const struct run_dir *dir, const char *setting,
                                 const char *sentence)
{
    struct run run;
    struct err err;
    char *const settings[] = {(char *)setting};
    if (run_plan_resume(&run, dir->run, settings, 1, &err) == 0)
        fail_msg("%s was taken", setting);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, sentence);
}

static void resuming_takes_what_may_change_and_refuses_the_rest(void **state)
{
    const struct run_dir *dir = *state;
    struct run run;
    struct err err;
    check_resume_refused(dir, "train.steps=9", "found no run there");
    run_dir_claim(&run, dir);
    run_clear(&run);
    check_resume_refused(dir, "model.width=192",
                         "--set model.width: this cannot change in a run that exists");
    check_resume_refused(dir, "model.layers=7", "--set model.layers: this cannot change");
    check_resume_refused(dir, "train.seed=1", "--set train.seed: this cannot change");
    check_resume_refused(dir, "data.order=sequential", "--set data.order: this cannot change");
    check_resume_refused(dir, "data.sources.2.path=z", "--set data.sources: this cannot change");
    check_resume_refused(dir, "train.batch=3", "a multiple of train.microbatch");
    check_resume_refused(dir, "nonsense=1", "nonsense");
    char *const settings[] = {"train.steps=900", "optimizer.lr=0.5", "data.sources.0.weight=3",
                              "train.batch=64"};
    assert_int_equal(run_plan_resume(&run, dir->run, settings, 4, &err), 0);
    assert_int_equal(run_claim(&run, &err), 0);
    assert_true(run.config->train->steps == 900 && run.config->data->sources[0]->weight == 3);
    Trireme__Config *there = run_config_of(dir->run, &err);
    assert_int_equal(there->train->steps, 500); // the checkpoints may speak against it
    message_free(there);
    assert_int_equal(run_locate(&run, fail_on_warning, NULL, &err), 0);
    assert_int_equal(run_write_changes(&run, &err), 0);
    run_clear(&run);
    there = run_config_of(dir->run, &err);
    assert_int_equal(there->train->steps, 900);
    message_free(there);
}

/* The last checkpoint of a run of 500 steps of 12288 tokens that experiments left 400 of. */
static void write_last_checkpoint(const struct run_dir *dir, uint64_t step)
{
    struct err err;
    Trireme__Shard shard = TRIREME__SHARD__INIT, *shards = &shard;
    shard.file = (char *)"shard-0-of-1.safetensors";
    shard.digest = (char *)"0123456789abcdef0123456789abcdef";
    Trireme__Manifest m = TRIREME__MANIFEST__INIT;
    Trireme__Config *config = run_dir_config(NULL);
    m.config = m.asked = config;
    const uint64_t unit = run_config_step_tokens(config);
    m.has_step = 1, m.step = step;
    m.has_step_tokens = 1, m.step_tokens = unit;
    m.has_tokens = 1, m.tokens = step * unit;
    m.has_planned_tokens = 1, m.planned_tokens = 400 * unit + unit / 2;
    m.shards = &shards, m.n_shards = 1;
    char *folder = checkpoint_folder(dir->run, step);
    if (file_make_dirs(folder, ERR_USAGE, &err) < 0 || checkpoint_complete(folder, &m, &err) < 0)
        fail_msg("%s", err.text);
    free(folder);
    message_free(config);
}

static void a_run_that_experiments_have_left_no_steps_takes_only_more_of_them(void **state)
{
    const struct run_dir *dir = *state;
    struct run run;
    struct err err;
    char *const rate[] = {"optimizer.lr=0.5"}, *const more[] = {"train.steps=501"};
    run_dir_claim(&run, dir);
    run_clear(&run);
    write_last_checkpoint(dir, 399);
    assert_int_equal(run_plan_resume(&run, dir->run, rate, 1, &err), 0);
    run_clear(&run);
    write_last_checkpoint(dir, 400);
    check_resume_refused(dir, rate[0],
                         "the run has its 400 steps, and experiments have spent the rest of 500: "
                         "expected --set train.steps above that");
    assert_int_equal(run_plan_resume(&run, dir->run, NULL, 0, &err), 0); // the same line again
    run_clear(&run);
    assert_int_equal(run_plan_resume(&run, dir->run, more, 1, &err), 0);
    run_clear(&run);
}

static void a_run_of_an_earlier_version_goes_on_and_says_once_what_means_nothing(void **state)
{
    const struct run_dir *dir = *state;
    struct run run;
    struct err err;
    run_dir_claim(&run, dir);
    assert_null(run.amended);
    run_clear(&run);
    size_t size = 0;
    char *text = must_read_in(dir->run, "config.yaml", &size);
    char *at = strstr(text, "\ngate:\n");
    assert_non_null(at);
    at += strlen("\ngate:\n");
    char *earlier = mem_format("%.*s  confirm: true\n%s", (int)(at - text), text, at);
    must_write_text(dir->run, "config.yaml", earlier);
    for (int launch = 0; launch < 2; launch++) {
        assert_int_equal(run_plan_resume(&run, dir->run, NULL, 0, &err), 0);
        if (launch)
            assert_null(run.amended);
        else
            assert_string_equal(run.amended, "gate.confirm means nothing any more");
        assert_int_equal(run_claim(&run, &err), 0);
        assert_int_equal(run_locate(&run, fail_on_warning, NULL, &err), 0);
        assert_int_equal(run_write_changes(&run, &err), 0);
        run_clear(&run);
    }
    must_write_text(dir->run, "config.yaml", earlier);
    run_dir_claim(&run, dir); // the same line again
    assert_string_equal(run.amended, "gate.confirm means nothing any more");
    run_clear(&run);
    free(earlier);
    free(text);
}

static void more_changes_than_one_can_count_are_all_looked_at(void **state)
{
    const struct run_dir *dir = *state;
    struct run run;
    struct err err;
    enum { SOURCES = 80 };
    char *settings[SOURCES + 1];
    for (int i = 0; i < SOURCES; i++)
        settings[i] = mem_format("data.sources.%d={name: s%d, path: x, weight: 1}", i, i);
    Trireme__Config *config = run_config_read(NULL, settings, SOURCES, &err);
    assert_non_null(config);
    assert_int_equal(run_plan_train(&run, dir->run, config, &err), 0);
    assert_int_equal(run_claim(&run, &err), 0);
    run_clear(&run);
    for (int i = 0; i < SOURCES; i++) {
        free(settings[i]);
        settings[i] = mem_format("data.sources.%d.weight=2", i);
    }
    settings[SOURCES] = (char *)"train.seed=1";
    assert_int_equal(run_plan_resume(&run, dir->run, settings, SOURCES, &err), 0);
    run_clear(&run);
    assert_int_equal(run_plan_resume(&run, dir->run, settings, SOURCES + 1, &err), -1);
    assert_contains(err.text, "train.seed");
    for (int i = 0; i < SOURCES; i++)
        free(settings[i]);
}

static void how_a_launch_ended_stands_in_its_status(void **state)
{
    const struct run_dir *dir = *state;
    struct run run;
    struct err err, how;
    run_dir_claim(&run, dir);
    err_set(&how, ERR_TRAIN, "the \"reason\"\n");
    assert_int_equal(run_status_write(&run, 42, &how, &err), 0);
    char *text = must_read_in(dir->run, "status.json", NULL);
    Trireme__Status *status = message_new(&trireme__status__descriptor);
    assert_int_equal(json_read(status, text, strlen(text), "status.json", ERR_DATA, &err), 0);
    assert_true(status->incarnation == 1 && status->code == ERR_TRAIN && status->step == 42);
    assert_string_equal(status->text, how.text);
    message_free(status);
    free(text);
    run_clear(&run);
}

static void a_run_is_its_owners_alone_whatever_the_umask(void **state)
{
    const struct run_dir *dir = *state;
    struct run run;
    struct stat st;
    const mode_t before = umask(0);
    run_dir_claim(&run, dir);
    run_clear(&run);
    umask(before);
    assert_int_equal(stat(dir->run, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(chmod(dir->run, 0777), 0); // of a version that left it open
    run_dir_claim(&run, dir);
    assert_false(run.open);
    run_clear(&run);
    assert_int_equal(stat(dir->run, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void a_path_that_is_too_long_for_a_checkpoints_files_is_refused_at_once(void **state)
{
    const struct run_dir *dir = *state;
    struct run run;
    struct err err;
    struct text path = {0};
    text_add(&path, dir->root);
    while (path.size < 3970)
        text_add(&path, "/12345678901234567890123456789");
    assert_int_equal(run_plan_train(&run, path.bytes, run_dir_config(NULL), &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "--out: /");
    assert_contains(err.text, "found a path of ");
    text_clear(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_run_dir(a_new_run_is_planned_without_a_trace_and_claimed_with_its_configuration),
        test_in_run_dir(each_launch_of_a_run_has_the_next_incarnation),
        test_in_run_dir(an_incarnation_that_is_no_number_is_refused),
        test_in_run_dir(a_run_is_trained_by_one_process_at_a_time),
        test_in_run_dir(training_with_another_configuration_is_refused_with_the_field),
        test_in_run_dir(
            a_folder_that_is_no_run_is_refused_and_one_left_by_a_launch_that_died_is_not),
        test_in_run_dir(resuming_takes_what_may_change_and_refuses_the_rest),
        test_in_run_dir(a_run_that_experiments_have_left_no_steps_takes_only_more_of_them),
        test_in_run_dir(a_run_of_an_earlier_version_goes_on_and_says_once_what_means_nothing),
        test_in_run_dir(more_changes_than_one_can_count_are_all_looked_at),
        test_in_run_dir(a_run_is_its_owners_alone_whatever_the_umask),
        test_in_run_dir(a_path_that_is_too_long_for_a_checkpoints_files_is_refused_at_once),
        test_in_run_dir(how_a_launch_ended_stands_in_its_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
