#include "tests/unit/coordinator/run/run_dir.h"

#include "coordinator/run/metrics.h"

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
    struct metrics *m = metrics_open(run, step, NULL, NULL, &err);
    if (!m)
        fail_msg("%s", err.text);
    metrics_free(m);
    return must_read_in(run, "metrics.jsonl", NULL);
}

static void metrics_are_cut_back_to_a_step_and_no_further(void **state)
{
    const struct run_dir *dir = *state;
    struct err err;
    must_write_text(dir->run, "config.yaml", "");
    struct metrics *m = metrics_open(dir->run, 0, NULL, NULL, &err);
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
    char *whole = must_read_in(dir->run, "metrics.jsonl", NULL), *same = cut_back(dir->run, 12);
    assert_string_equal(same, whole);
    char *cut = cut_back(dir->run, 9), *again = cut_back(dir->run, 9);
    assert_string_equal(again, cut);
    assert_int_equal(strncmp(whole, cut, strlen(cut)), 0);
    assert_contains(cut, "\"step\":9,");
    assert_null(strstr(cut, "\"step\":10"));
    assert_contains(cut, "begun");
    char *none = cut_back(dir->run, 0);
    assert_contains(none, "begun");
    assert_null(strstr(none, "train"));
    free(none);
    free(again);
    free(cut);
    free(same);
    free(whole);
}

static void an_evaluation_of_the_trunk_is_found_by_its_step(void **state)
{
    const struct run_dir *dir = *state;
    struct err err;
    must_write_text(dir->run, "config.yaml", "");
    struct metrics *m = metrics_open(dir->run, 0, NULL, NULL, &err);
    assert_non_null(m);
    write_step(m, 12);
    Trireme__EvalLine eval = TRIREME__EVAL_LINE__INIT;
    eval.has_step = 1, eval.step = 120;
    eval.has_val_loss = 1, eval.val_loss = 1.25;
    assert_int_equal(metrics_write(m, &eval, &err), 0);
    eval.step = 11, eval.trial = (char *)"h1.0";
    assert_int_equal(metrics_write(m, &eval, &err), 0);
    assert_true(metrics_has_eval(m, 120));
    assert_false(metrics_has_eval(m, 12));
    assert_false(metrics_has_eval(m, 11));
    assert_false(metrics_has_eval(m, 1));
    metrics_free(m);
}

static bool keeps_its_first_nine(const void *context, const char *trial, uint64_t step)
{
    return !strcmp(trial, context) && step <= 9;
}

static void lines_of_forks_are_kept_as_one_says_and_those_of_the_trunk_by_their_steps(void **state)
{
    const struct run_dir *dir = *state;
    struct err err;
    must_write_text(
        dir->run, "metrics.jsonl",
        "{\"kind\":\"train\",\"trial\":\"trunk\",\"step\":1}\n{\"kind\":\"train\",\"trial\":\"h1."
        "0\",\"step\":9}\n"
        "{\"kind\":\"train\",\"trial\":\"h1.0\",\"step\":10}\n"
        "{\"kind\":\"train\",\"trial\":\"h1.1\",\"step\":1}\n{\"kind\":\"train\",\"trial\":"
        "\"trunk\",\"step\":6}\n");
    metrics_free(metrics_open(dir->run, 5, keeps_its_first_nine, "h1.0", &err));
    char *text = must_read_in(dir->run, "metrics.jsonl", NULL);
    assert_string_equal(text, "{\"kind\":\"train\",\"trial\":\"trunk\",\"step\":1}\n"
                              "{\"kind\":\"train\",\"trial\":\"h1.0\",\"step\":9}\n");
    free(text);
}

static void a_line_that_a_crash_left_unfinished_is_cut_off(void **state)
{
    const struct run_dir *dir = *state;
    struct err err;
    must_write_text(dir->run, "metrics.jsonl",
                    "{\"kind\":\"train\",\"step\":1}\n{\"kind\":\"train\",\"st");
    struct metrics *m = metrics_open(dir->run, 5, NULL, NULL, &err);
    write_step(m, 2);
    metrics_free(m);
    char *text = must_read_in(dir->run, "metrics.jsonl", NULL);
    static const char expected[] =
        "{\"kind\":\"train\",\"step\":1}\n{\"kind\":\"train\",\"trial\":\"trunk\",\"step\":2,";
    assert_int_equal(strncmp(text, expected, sizeof expected - 1), 0);
    assert_int_equal(text[strlen(text) - 1], '\n');
    free(text);
}

static void metrics_that_cannot_be_written_are_an_error(void **state)
{
    const struct run_dir *dir = *state;
    struct err err;
    assert_null(metrics_open(dir->run, 0, NULL, NULL, &err)); // no such folder
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "metrics.jsonl: cannot write");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_run_dir(an_evaluation_of_the_trunk_is_found_by_its_step),
        test_in_run_dir(metrics_are_cut_back_to_a_step_and_no_further),
        test_in_run_dir(lines_of_forks_are_kept_as_one_says_and_those_of_the_trunk_by_their_steps),
        test_in_run_dir(a_line_that_a_crash_left_unfinished_is_cut_off),
        test_in_run_dir(metrics_that_cannot_be_written_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
