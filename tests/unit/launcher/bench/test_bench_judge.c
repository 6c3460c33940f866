/* Whether an adopted change comes nearer to the remedy. */
#include "tests/unit/support.h"

#include "launcher/bench/bench_judge.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

static Trireme__BenchTask *task_of(const char *remedy)
{
    static const char before[] = "config:\n  data:\n    sources:\n      - {name: a, weight: 1}\n"
                                 "      - {name: b, weight: 3}\n";
    struct err err;
    char text[1000];
    Trireme__BenchTask *task = message_new(&trireme__bench_task__descriptor);
    snprintf(text, sizeof text, "%s%s\n", before, remedy);
    if (yaml_read(task, text, strlen(text), "task", ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
    return task;
}

static int verdict(struct bench_judge *judge, const char *path, const char *old, const char *new)
{
    Trireme__Change after = TRIREME__CHANGE__INIT, before = TRIREME__CHANGE__INIT;
    after.path = before.path = (char *)path;
    after.value = (char *)new, before.value = (char *)old;
    Trireme__Change *a[] = {&after}, *b[] = {&before};
    return bench_judge_adopt(judge, a, b, 1);
}

enum {
    OTHER = TRIREME__BENCH_ADOPTION__VERDICT__other,
    RIGHT = TRIREME__BENCH_ADOPTION__VERDICT__right,
    WRONG = TRIREME__BENCH_ADOPTION__VERDICT__wrong
};

static void a_value_is_judged_by_its_distance_from_the_remedys(void **state)
{
    (void)state;
    Trireme__BenchTask *task =
        task_of("remedy: {optimizer.lr: 4e-3, optimizer.beta2: 0.99, schedule.kind: cosine}");
    struct bench_judge *j = bench_judge_new(task);
    assert_int_equal(verdict(j, "optimizer.lr", "0.0005", "0.002"), RIGHT);
    assert_int_equal(verdict(j, "optimizer.lr", "0.002", "0.001"), WRONG);
    assert_int_equal(verdict(j, "optimizer.lr", "0.002", "0.006"), RIGHT); // past it, but nearer
    assert_int_equal(verdict(j, "optimizer.lr", "0.002", "0.02"), WRONG);
    // a decay is as far as what it forgets: .95 forgets 5 times as much as .99, .9999 a hundredth
    assert_int_equal(verdict(j, "optimizer.beta2", "0.95", "0.9999"), WRONG);
    assert_int_equal(verdict(j, "optimizer.beta2", "0.95", "0.995"), RIGHT);
    assert_int_equal(verdict(j, "optimizer.beta1", "0.9", "0.8"), OTHER);
    assert_int_equal(verdict(j, "schedule.kind", "linear", "cosine"), RIGHT);
    assert_int_equal(verdict(j, "schedule.kind", "cosine", "linear"), WRONG);
    bench_judge_free(j);
    message_free(task);
}

static void weights_of_sources_are_judged_as_shares(void **state)
{
    (void)state;
    Trireme__BenchTask *task = task_of("remedy: {data.sources.1.weight: 0.5}");
    struct bench_judge *j = bench_judge_new(task);
    // the other source twice as heavy has the share of b fall, too
    assert_int_equal(verdict(j, "data.sources.0.weight", "1", "2"), RIGHT);
    assert_int_equal(verdict(j, "data.sources.1.weight", "3", "6"), WRONG);
    assert_int_equal(verdict(j, "data.sources.1.weight", "6", "1"), RIGHT); // 2 : 1, as the remedy
    assert_int_equal(verdict(j, "data.sources.1.weight", "1", "0"), WRONG);
    Trireme__Change back = TRIREME__CHANGE__INIT;
    back.path = "data.sources.1.weight", back.value = "6";
    Trireme__Change *patch[] = {&back};
    bench_judge_set(j, patch, 1);
    assert_int_equal(verdict(j, "data.sources.1.weight", "6", "3"), RIGHT);
    bench_judge_free(j);
    message_free(task);
}

static void where_nothing_is_wrong_all_is_wrong_and_an_open_task_does_not_say(void **state)
{
    (void)state;
    Trireme__BenchTask *fine = task_of(""), *open = task_of("open: true");
    struct bench_judge *a = bench_judge_new(fine), *b = bench_judge_new(open);
    assert_int_equal(verdict(a, "optimizer.lr", "0.0005", "0.002"), WRONG);
    assert_int_equal(verdict(b, "optimizer.lr", "0.0005", "0.002"), OTHER);
    bench_judge_free(a);
    bench_judge_free(b);
    message_free(fine);
    message_free(open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_judged_by_its_distance_from_the_remedys),
        cmocka_unit_test(weights_of_sources_are_judged_as_shares),
        cmocka_unit_test(where_nothing_is_wrong_all_is_wrong_and_an_open_task_does_not_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
