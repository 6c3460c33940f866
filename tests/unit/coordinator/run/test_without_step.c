#include "tests/unit/coordinator/run/run_dir.h"

#include "coordinator/run/without_step.h"

/* A launch that is stopped without a step; returns the code that it ends with. */
static int stop(const struct run_dir *dir, uint32_t expected)
{
    struct run run;
    struct err how = {ERR_STOPPED, "stopped"}, err;
    uint64_t kept = 0;
    run_dir_claim(&run, dir);
    without_step_count(&run, &kept, &how);
    assert_int_equal(run.without_step, expected);
    assert_int_equal(run_status_write(&run, kept, &how, &err), 0);
    if (how.code == ERR_MACHINE)
        assert_contains(how.text, "3 launches in a row were asked to stop before they had done");
    run_clear(&run);
    return (int)how.code;
}

static void the_third_launch_in_a_row_without_a_step_is_an_error(void **state)
{
    const struct run_dir *dir = *state;
    assert_int_equal(stop(dir, 1), ERR_STOPPED);
    assert_int_equal(stop(dir, 2), ERR_STOPPED);
    assert_int_equal(stop(dir, 3), ERR_MACHINE);
}

static void a_launch_that_got_on_begins_the_count_anew(void **state)
{
    const struct run_dir *dir = *state;
    struct run run;
    struct err how = {ERR_STOPPED, "stopped"}, err;
    assert_int_equal(stop(dir, 1), ERR_STOPPED);
    assert_int_equal(stop(dir, 2), ERR_STOPPED);
    run_dir_claim(&run, dir); // it did steps
    assert_int_equal(run_status_write(&run, 7, &how, &err), 0);
    run_clear(&run);
    assert_int_equal(stop(dir, 1), ERR_STOPPED);
}

static void so_does_one_that_got_on_and_was_killed(void **state)
{
    const struct run_dir *dir = *state;
    struct err err;
    assert_int_equal(stop(dir, 1), ERR_STOPPED);
    assert_int_equal(stop(dir, 2), ERR_STOPPED);
    char *folder = file_join(dir->run, "checkpoints/step-00000009");
    assert_int_equal(file_make_dirs(folder, ERR_USAGE, &err), 0);
    must_write_text(folder, "manifest.json", "{}");
    free(folder);
    assert_int_equal(stop(dir, 1), ERR_STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_run_dir(the_third_launch_in_a_row_without_a_step_is_an_error),
        test_in_run_dir(a_launch_that_got_on_begins_the_count_anew),
        test_in_run_dir(so_does_one_that_got_on_and_was_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
