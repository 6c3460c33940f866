/* The tasks that come with the program: each can be read, and so can what its runs are trained
 * with. */
#include "tests/unit/support.h"

#include "base/file.h"
#include "launcher/bench/bench_task.h"
#include "proto/schema/message.h"

static const char folder[] = FIXTURES "/../../examples/troubles";

static char **yaml_names(const char *path)
{
    struct err err;
    size_t n = 0;
    char **names = file_names(path, &n, ERR_USAGE, &err);
    if (!names)
        fail_msg("%s", err.text);
    return names;
}

static void check_configs(const Trireme__BenchTask *task, const char *name)
{
    struct err err;
    for (int remedy = 0; remedy < 1 + (task->n_remedy > 0); remedy++) {
        char *yaml = bench_task_config(task, NULL, remedy, 1, "/texts", &err);
        if (!yaml)
            fail_msg("%s: %s", name, err.text);
        assert_contains(yaml, "path: /texts/");
        free(yaml);
    }
}

static void each_task_is_legal_with_and_without_its_remedy(void **state)
{
    (void)state;
    struct err err;
    char **names = yaml_names(folder);
    size_t n = 0;
    for (size_t i = 0; names[i]; i++)
        if (file_name_ends(names[i], ".yaml")) {
            char *path = file_join(folder, names[i]);
            Trireme__BenchTask *task = bench_task_read(path, folder, &err);
            if (!task)
                fail_msg("%s", err.text);
            assert_non_null(task->about);
            check_configs(task, names[i]);
            message_free(task);
            free(path);
            n++;
        }
    assert_true(n >= 10);
    file_names_free(names);
}

static void each_planner_fits_a_task(void **state)
{
    (void)state;
    struct err err;
    char *planners = file_join(folder, "planners"), **names = yaml_names(planners);
    Trireme__BenchTask *task = bench_task_read("rate_too_low", folder, &err);
    assert_non_null(task);
    for (size_t i = 0; names[i]; i++) {
        char *path = file_join(planners, names[i]);
        Trireme__BenchPlanner *planner = bench_planner_read(path, &err);
        char *yaml = planner ? bench_task_config(task, planner, false, 1, "/texts", &err) : NULL;
        if (!yaml)
            fail_msg("%s: %s", path, err.text);
        free(yaml);
        message_free(planner);
        free(path);
    }
    file_names_free(names);
    free(planners);
    message_free(task);
}

static void a_source_without_its_text_is_refused(void **state)
{
    struct err err;
    must_write_in(*state, "a.yaml", "config: {data: {sources: [{name: x, path: y}]}}\n", 48);
    char *path = file_join(*state, "a.yaml");
    assert_null(bench_task_read(path, *state, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "config.data.sources.0.path: found 'y'");
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_is_legal_with_and_without_its_remedy),
        cmocka_unit_test(each_planner_fits_a_task),
        test_in_folder(a_source_without_its_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
