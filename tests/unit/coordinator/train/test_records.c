/* What the coordinator writes as a run goes on: metrics and checkpoints. */
#include "tests/unit/coordinator/run/run_support.h"

#include "base/digest.h"
#include "coordinator/run/metrics.h"
#include "coordinator/train/checkpointer.h"
#include "coordinator/train/roster.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"

static const struct roster roster = {.fingerprint = "kernels", .data_digest = "data"};

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
    return content(run, "metrics.jsonl");
}

static void metrics_are_cut_back_to_a_step_and_no_further(void **state)
{
    const struct place *p = *state;
    struct err err;
    put(p->run, "config.yaml", "");
    struct metrics *m = metrics_open(p->run, 0, NULL, NULL, &err);
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

static bool keeps_its_first_nine(const void *context, const char *trial, uint64_t step)
{
    return !strcmp(trial, context) && step <= 9;
}

static void lines_of_forks_are_kept_as_one_says_and_those_of_the_trunk_by_their_steps(void **state)
{
    const struct place *p = *state;
    struct err err;
    put(p->run, "metrics.jsonl",
        "{\"kind\":\"train\",\"trial\":\"trunk\",\"step\":1}\n{\"kind\":\"train\",\"trial\":\"h1."
        "0\",\"step\":9}\n"
        "{\"kind\":\"train\",\"trial\":\"h1.0\",\"step\":10}\n"
        "{\"kind\":\"train\",\"trial\":\"h1.1\",\"step\":1}\n{\"kind\":\"train\",\"trial\":"
        "\"trunk\",\"step\":6}\n");
    metrics_free(metrics_open(p->run, 5, keeps_its_first_nine, "h1.0", &err));
    char *text = content(p->run, "metrics.jsonl");
    assert_string_equal(text, "{\"kind\":\"train\",\"trial\":\"trunk\",\"step\":1}\n"
                              "{\"kind\":\"train\",\"trial\":\"h1.0\",\"step\":9}\n");
    free(text);
}

static void a_line_that_a_crash_left_unfinished_is_cut_off(void **state)
{
    const struct place *p = *state;
    struct err err;
    put(p->run, "metrics.jsonl", "{\"kind\":\"train\",\"step\":1}\n{\"kind\":\"train\",\"st");
    struct metrics *m = metrics_open(p->run, 5, NULL, NULL, &err);
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
    assert_null(metrics_open(p->run, 0, NULL, NULL, &err)); // no such folder
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "metrics.jsonl: cannot write");
}

static Trireme__Saved *saved_of(const char *folder, int server, uint64_t step)
{
    char *name = mem_format("shard-%d-of-2.safetensors", server), hex[DIGEST_HEX_SIZE];
    put(folder, name, name);
    digest_hex(hex, digest_of(name, strlen(name)));
    Trireme__Saved *saved = message_new(&trireme__saved__descriptor);
    saved->step = step;
    saved->shard->file = name;
    saved->shard->digest = mem_strdup(hex);
    saved->shard->has_bytes = 1, saved->shard->bytes = strlen(name);
    saved->stall_ms = server == 0 ? 7 : 3;
    return saved;
}

static void take(struct checkpointer *k, const char *folder, int server, uint64_t step)
{
    struct err err;
    Trireme__Saved *saved = saved_of(folder, server, step);
    if (checkpointer_add_shard(k, server, saved, &err) < 0)
        fail_msg("%s", err.text);
    message_free(saved);
}

static const char *begin(struct checkpointer *k, const struct run *run, uint64_t step,
                         uint64_t samples)
{
    struct err err;
    Trireme__Manifest what = TRIREME__MANIFEST__INIT;
    what.has_step = 1, what.step = step;
    what.has_samples = 1, what.samples = samples;
    what.config = run->config;
    what.segments = run->segments, what.n_segments = run->n_segments;
    return checkpointer_begin(k, &what, (const uint64_t[]){5}, 1, &err);
}

static void a_checkpoint_is_complete_with_the_last_shard(void **state)
{
    const struct place *p = *state;
    struct err err;
    struct run run;
    claim(&run, p);
    assert_int_equal(run_locate(&run, warn, NULL, &err), 0);
    struct metrics *m = metrics_open(p->run, 0, NULL, NULL, &err);
    struct checkpointer *k = checkpointer_new(&run, m, &roster, 2);
    assert_true(!checkpointer_busy(k) && checkpointer_step(k) == 0);
    for (uint64_t step = 5; step <= 25; step += 5) {
        char *folder = mem_strdup(begin(k, &run, step, 32 * step));
        assert_true(checkpointer_busy(k));
        take(k, folder, 1, step);
        assert_true(checkpointer_busy(k) && checkpointer_step(k) == step - 5);
        take(k, folder, 0, step);
        assert_true(!checkpointer_busy(k) && checkpointer_step(k) == step);
        free(folder);
    }
    size_t n = 0;
    uint64_t *steps = checkpoint_steps(p->run, &n, &err);
    assert_true(n == 4 && steps[0] == 5 && steps[1] == 15 &&
                steps[3] == 25); // checkpoint.keep, and one that is pinned
    free(steps);
    char *lines = content(p->run, "metrics.jsonl");
    assert_contains(lines, "{\"kind\":\"checkpoint\",\"step\":25,\"stall_ms\":7,\"bytes\":48,");
    free(lines);
    checkpointer_free(k);
    metrics_free(m);
    run_clear(&run);
    claim(&run, p);
    assert_int_equal(run_locate(&run, warn, NULL, &err), 0);
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
    assert_int_equal(run_locate(&run, warn, NULL, &err), 0);
    struct metrics *m = metrics_open(p->run, 0, NULL, NULL, &err);
    struct checkpointer *k = checkpointer_new(&run, m, &roster, 2);
    char *elsewhere = file_join(p->root, "elsewhere");
    Trireme__Saved *saved = saved_of(elsewhere, 0, 5);
    assert_int_equal(checkpointer_add_shard(k, 0, saved, &err), -1); // before any order
    assert_string_equal(err.text, "server 0 saved step 5, which nobody asked for");
    assert_non_null(begin(k, &run, 6, 1));
    assert_int_equal(checkpointer_add_shard(k, 0, saved, &err), -1); // another step
    saved->step = 6;
    assert_int_equal(checkpointer_add_shard(k, 0, saved, &err), 0);
    assert_int_equal(checkpointer_add_shard(k, 0, saved, &err), -1); // twice
    assert_true(checkpointer_busy(k));
    char *folder = checkpoint_folder(p->run, 6), *manifest = file_join(folder, "manifest.json");
    assert_false(file_exists(manifest));
    free(manifest);
    free(folder);
    message_free(saved);
    free(elsewhere);
    checkpointer_free(k);
    metrics_free(m);
    run_clear(&run);
}

static void what_a_launch_that_died_left_in_a_checkpoint_is_removed_first(void **state)
{
    const struct place *p = *state;
    struct err err;
    struct run run;
    claim(&run, p);
    assert_int_equal(run_locate(&run, warn, NULL, &err), 0);
    struct metrics *m = metrics_open(p->run, 0, NULL, NULL, &err);
    struct checkpointer *k = checkpointer_new(&run, m, &roster, 2);
    char *folder = checkpoint_folder(p->run, 5),
         *stale = file_join(folder, "shard-0-of-9.safetensors");
    put(folder, "shard-0-of-9.safetensors", "stale");
    assert_non_null(begin(k, &run, 5, 1));
    assert_false(file_exists(stale));
    assert_true(file_is_dir(folder));
    free(stale);
    free(folder);
    checkpointer_free(k);
    metrics_free(m);
    run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(metrics_are_cut_back_to_a_step_and_no_further),
        test(lines_of_forks_are_kept_as_one_says_and_those_of_the_trunk_by_their_steps),
        test(a_line_that_a_crash_left_unfinished_is_cut_off),
        test(metrics_that_cannot_be_written_are_an_error),
        test(a_checkpoint_is_complete_with_the_last_shard),
        test(shards_that_nobody_asked_for_are_refused),
        test(what_a_launch_that_died_left_in_a_checkpoint_is_removed_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
