/* What runs add up to: pairs by seed, means, standings, the table. */
#include "tests/unit/support.h"

#include "launcher/bench/bench_table.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include <math.h>

/* Two seeds of a task with a remedy, whose planner recovers 3/4 and 1/2 of the oracle's gains .4
 * and .8; one seed of a task where nothing is wrong, where it loses .02; a run that failed. */
static const char runs[] =
    "{\"runs\": ["
    "{\"task\": \"low\", \"arm\": \"none\", \"seed\": 1, \"sealed\": 2.5, \"seconds\": 10},"
    "{\"task\": \"low\", \"arm\": \"oracle\", \"seed\": 1, \"sealed\": 2.1, \"seconds\": 10},"
    "{\"task\": \"low\", \"arm\": \"up\", \"seed\": 1, \"sealed\": 2.2, \"seconds\": 30,"
    " \"spent\": 10, \"tokens\": 100, \"adoptions\": ["
    "{\"verdict\": \"right\", \"became\": \"claimed\", \"claimed\": true},"
    "{\"verdict\": \"wrong\", \"became\": \"taken back\", \"claimed\": false}]},"
    "{\"task\": \"low\", \"arm\": \"none\", \"seed\": 2, \"sealed\": 2.9, \"seconds\": 10},"
    "{\"task\": \"low\", \"arm\": \"oracle\", \"seed\": 2, \"sealed\": 2.1, \"seconds\": 10},"
    "{\"task\": \"low\", \"arm\": \"up\", \"seed\": 2, \"sealed\": 2.5, \"seconds\": 50,"
    " \"spent\": 30, \"tokens\": 100},"
    "{\"task\": \"fine\", \"arm\": \"none\", \"seed\": 1, \"sealed\": 2.0, \"seconds\": 10},"
    "{\"task\": \"fine\", \"arm\": \"up\", \"seed\": 1, \"sealed\": 2.02, \"seconds\": 10},"
    "{\"task\": \"fine\", \"arm\": \"bad\", \"seed\": 1, \"failed\": \"not finite\"}]}";

static void assert_near(double found, double expected, double within)
{
    if (!(fabs(found - expected) <= within))
        fail_msg("found %.17g, expected %.17g", found, expected);
}

static Trireme__BenchPlannerReply *reply_of(const char *json)
{
    struct err err;
    Trireme__BenchPlannerReply *reply = message_new(&trireme__bench_planner_reply__descriptor);
    Trireme__BenchTask *low = message_new(&trireme__bench_task__descriptor),
                       *fine = message_new(&trireme__bench_task__descriptor);
    const struct bench_named tasks[] = {
        {"low",  low },
        {"fine", fine}
    };
    if (message_set(low, "remedy={optimizer.lr: 1}", "test", &err) < 0 ||
        json_read(reply, json, strlen(json), "test", ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
    bench_table_add_up(reply, tasks, 2);
    message_free(low);
    message_free(fine);
    return reply;
}

static const Trireme__BenchArm *arm_of(const Trireme__BenchPlannerReply *r, const char *task,
                                       const char *arm)
{
    for (size_t i = 0; i < r->n_arms; i++)
        if (!strcmp(r->arms[i]->task, task) && !strcmp(r->arms[i]->arm, arm))
            return r->arms[i];
    fail_msg("found no arm %s of %s", arm, task);
    return NULL;
}

static void gains_are_paired_by_seed_and_their_quotient_is_that_of_the_means(void **state)
{
    (void)state;
    Trireme__BenchPlannerReply *r = reply_of(runs);
    const Trireme__BenchArm *up = arm_of(r, "low", "up");
    assert_int_equal(up->runs, 2);
    assert_near(up->gain, 0.35, 1e-12);
    assert_near(up->recovered, 0.35 / 0.6, 1e-12);
    assert_near(up->half_width, 0.05 * 12.706204736432095, 1e-9); // scipy's t.ppf(.975, 1)
    assert_near(up->spent, 0.2, 1e-12);
    assert_near(up->seconds, 40, 1e-12);
    assert_int_equal(up->adopted->right, 1);
    assert_int_equal(up->adopted->wrong, 1);
    assert_int_equal(up->claimed->right, 1);
    assert_int_equal(up->claimed->wrong, 0);
    assert_int_equal(up->taken_back, 1);
    assert_false(arm_of(r, "low", "oracle")->has_recovered);
    assert_false(arm_of(r, "fine", "up")->has_recovered);
    message_free(r);
}

static void a_run_that_failed_leaves_its_planner_without_a_mean(void **state)
{
    (void)state;
    Trireme__BenchPlannerReply *r = reply_of(runs);
    const Trireme__BenchArm *bad = arm_of(r, "fine", "bad");
    assert_int_equal(bad->failed, 1);
    assert_false(bad->has_sealed || bad->has_gain);
    char *text = bench_table_text(r);
    assert_contains(text, "1 failed");
    free(text);
    message_free(r);
}

static void a_standing_has_what_was_recovered_and_what_was_lost(void **state)
{
    (void)state;
    Trireme__BenchPlannerReply *r = reply_of(runs);
    assert_int_equal(r->n_standings, 3);
    const Trireme__BenchStanding *up = r->standings[1];
    assert_string_equal(up->arm, "up");
    assert_int_equal(up->tasks, 1);
    assert_near(up->recovered, 0.35 / 0.6, 1e-12);
    assert_int_equal(up->mended, 0); // .58 is below .6
    assert_near(up->lost, 0.02, 1e-12);
    message_free(r);
}

static void a_task_whose_oracle_gains_little_is_named(void **state)
{
    (void)state;
    static const char little[] =
        "{\"runs\": ["
        "{\"task\": \"low\", \"arm\": \"none\", \"seed\": 1, \"sealed\": 2.5},"
        "{\"task\": \"low\", \"arm\": \"oracle\", \"seed\": 1, \"sealed\": 2.46}]}";
    Trireme__BenchPlannerReply *clear = reply_of(runs), *doubtful = reply_of(little);
    char *good = bench_table_text(clear), *bad = bench_table_text(doubtful);
    assert_null(strstr(good, "mean nothing"));
    assert_contains(bad, "low: its oracle beats none by 0.0400");
    assert_null(bench_table_picture(doubtful));
    free(good);
    free(bad);
    message_free(clear);
    message_free(doubtful);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gains_are_paired_by_seed_and_their_quotient_is_that_of_the_means),
        cmocka_unit_test(a_run_that_failed_leaves_its_planner_without_a_mean),
        cmocka_unit_test(a_standing_has_what_was_recovered_and_what_was_lost),
        cmocka_unit_test(a_task_whose_oracle_gains_little_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
