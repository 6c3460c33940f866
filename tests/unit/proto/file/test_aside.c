/* Checkpoints that are set aside: out of sight, and whole. */
#include "tests/unit/proto/file/model_fixture.h"

#include "proto/file/aside.h"

static void put_checkpoint(const struct model_fixture *f, const char *run, uint64_t step)
{
    struct err err;
    char *folder = checkpoint_folder(run, step);
    Trireme__Manifest *m = write_shards(f, folder, 2, step);
    if (checkpoint_complete(folder, m, &err) < 0)
        fail_msg("%s", err.text);
    message_free(m);
    free(folder);
}

static void check_steps(const char *run, const uint64_t *steps, size_t n)
{
    struct err err;
    size_t n_found = 0;
    uint64_t *found = checkpoint_steps(run, &n_found, &err);
    assert_non_null(found);
    assert_int_equal(n_found, n);
    assert_memory_equal(found, steps, n * sizeof *steps);
    free(found);
}

static void newer_checkpoints_are_kept_where_no_checkpoint_is_looked_for(void **state)
{
    const char *run = *state;
    struct model_fixture f = model_fixture_new();
    struct err err;
    for (uint64_t step = 1; step <= 4; step++)
        put_checkpoint(&f, run, step);
    char *metrics = file_join(run, "metrics.jsonl"), *aside = NULL;
    assert_int_equal(file_write_atomic(metrics, "{}\n", 3, ERR_USAGE, &err), 0);
    size_t n = 0;
    assert_int_equal(aside_newer(&aside, &n, run, 2, &err), 0);
    assert_int_equal(n, 2);
    check_steps(run, (const uint64_t[]){1, 2}, 2);
    for (uint64_t step = 3; step <= 4; step++) { // whole
        char *folder = mem_format("%s/step-0000000%d", aside, (int)step);
        Trireme__Manifest *m = checkpoint_manifest(folder, &err);
        assert_non_null(m);
        assert_int_equal(checkpoint_verify(folder, m, &err), 0);
        message_free(m);
        free(folder);
    }
    char *copy = file_join(aside, "metrics.jsonl"), *text = file_read(copy, NULL, ERR_DATA, &err);
    assert_string_equal(text, "{}\n");
    // what is pruned later is none of it
    assert_int_equal(checkpoint_prune(run, 2, 1, NULL, 0, &err), 0);
    assert_true(file_exists(copy));
    check_steps(run, (const uint64_t[]){2}, 1);
    free(text);
    free(copy);
    free(aside);
    free(metrics);
    model_fixture_free(&f);
}

static void twice_within_a_second_are_two_folders_and_nothing_newer_is_none(void **state)
{
    const char *run = *state;
    struct model_fixture f = model_fixture_new();
    struct err err;
    char *first = NULL, *second = NULL, *third = (char *)"unset";
    size_t n = 0;
    put_checkpoint(&f, run, 1);
    put_checkpoint(&f, run, 2);
    assert_int_equal(aside_newer(&first, &n, run, 1, &err), 0);
    put_checkpoint(&f, run, 2);
    assert_int_equal(aside_newer(&second, &n, run, 1, &err), 0);
    assert_true(first && second && strcmp(first, second) != 0);
    assert_int_equal(aside_newer(&third, &n, run, 1, &err), 0);
    assert_true(third == NULL && n == 0);
    check_steps(run, (const uint64_t[]){1}, 1);
    free(second);
    free(first);
    model_fixture_free(&f);
}

static void a_name_is_split_at_its_last_at_unless_it_is_a_folder(void **state)
{
    struct err err;
    char *run = NULL, *folder = file_join(*state, "a@7"), *name = file_join(*state, "a@7@12");
    bool has_step = true;
    uint64_t step = 0;
    assert_int_equal(file_make_dirs(folder, ERR_USAGE, &err), 0);
    assert_int_equal(checkpoint_name(&run, &has_step, &step, folder, &err), 0);
    assert_true(!has_step && !strcmp(run, folder));
    free(run);
    assert_int_equal(checkpoint_name(&run, &has_step, &step, name, &err), 0);
    assert_true(has_step && step == 12 && !strcmp(run, folder));
    free(run);
    for (const char *const *wrong =
             (const char *const[]){"r@", "r@x", "r@-1", "r@ 1", "r@1x", NULL};
         *wrong; wrong++) {
        assert_int_equal(checkpoint_name(&run, &has_step, &step, *wrong, &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        assert_contains(err.text, "behind the @, expected a step");
    }
    free(name);
    free(folder);
}

static int set_up(void **state)
{
    *state = test_folder_new();
    return 0;
}

static int tear_down(void **state)
{
    test_folder_free(*state);
    return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(newer_checkpoints_are_kept_where_no_checkpoint_is_looked_for),
        test(twice_within_a_second_are_two_folders_and_nothing_newer_is_none),
        test(a_name_is_split_at_its_last_at_unless_it_is_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
