#include "tests/unit/coordinator/run/run_dir.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/run/metrics.h"
#include "coordinator/run/run.h"
#include "coordinator/train/checkpointer.h"
#include "coordinator/train/roster.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"

static const struct roster roster = {.fingerprint = "kernels", .data_digest = "data"};

static Trireme__Saved *saved_of(const char *folder, int server, uint64_t step)
{
    char *name = mem_format("shard-%d-of-2.safetensors", server), hex[DIGEST_HEX_SIZE];
    must_write_text(folder, name, name);
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
    const struct run_dir *dir = *state;
    struct err err;
    struct run run;
    run_dir_claim(&run, dir);
    assert_int_equal(run_locate(&run, fail_on_warning, NULL, &err), 0);
    struct metrics *m = metrics_open(dir->run, 0, NULL, NULL, &err);
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
    uint64_t *steps = checkpoint_steps(dir->run, &n, &err);
    assert_true(n == 4 && steps[0] == 5 && steps[1] == 15 &&
                steps[3] == 25); // checkpoint.keep, and one that is pinned
    free(steps);
    char *lines = must_read_in(dir->run, "metrics.jsonl", NULL);
    assert_contains(lines, "{\"kind\":\"checkpoint\",\"step\":25,\"stall_ms\":7,\"bytes\":48,");
    free(lines);
    checkpointer_free(k);
    metrics_free(m);
    run_clear(&run);
    run_dir_claim(&run, dir);
    assert_int_equal(run_locate(&run, fail_on_warning, NULL, &err), 0);
    assert_true(run.step == 25 && run.samples == 800 && run.n_segments == 1);
    assert_string_equal(run.manifest->fingerprint, "kernels");
    assert_string_equal(run.manifest->data_digest, "data");
    assert_int_equal(run.manifest->incarnation, 1);
    assert_string_equal(run.manifest->shards[1]->file, "shard-1-of-2.safetensors");
    run_clear(&run);
}

static void a_checkpoint_that_is_held_waits_and_gives_way_to_a_later_one(void **state)
{
    const struct run_dir *dir = *state;
    struct err err;
    struct run run;
    run_dir_claim(&run, dir);
    assert_int_equal(run_locate(&run, fail_on_warning, NULL, &err), 0);
    struct metrics *m = metrics_open(dir->run, 0, NULL, NULL, &err);
    struct checkpointer *k = checkpointer_new(&run, m, &roster, 2);
    checkpointer_hold(k);
    char *first = NULL;
    for (uint64_t step = 5; step <= 10; step += 5) {
        char *folder = mem_strdup(begin(k, &run, step, 32 * step));
        take(k, folder, 0, step);
        take(k, folder, 1, step);
        assert_true(checkpointer_busy(k) && checkpointer_step(k) == 0);
        first = first ? (free(folder), first) : folder;
    }
    assert_false(file_exists(first));
    size_t n = 1;
    uint64_t *steps = checkpoint_steps(dir->run, &n, &err);
    assert_int_equal(n, 0);
    free(steps);
    assert_int_equal(checkpointer_release(k, &err), 0);
    assert_true(!checkpointer_busy(k) && checkpointer_step(k) == 10);
    assert_int_equal(checkpointer_release(k, &err), 0);
    char *folder = mem_strdup(begin(k, &run, 15, 480));
    take(k, folder, 0, 15);
    take(k, folder, 1, 15);
    assert_true(!checkpointer_busy(k) && checkpointer_step(k) == 15);
    char *lines = must_read_in(dir->run, "metrics.jsonl", NULL);
    assert_null(strstr(lines, "\"step\":5,"));
    free(lines);
    free(folder);
    free(first);
    checkpointer_free(k);
    metrics_free(m);
    run_clear(&run);
}

static void shards_that_nobody_asked_for_are_refused(void **state)
{
    const struct run_dir *dir = *state;
    struct err err;
    struct run run;
    run_dir_claim(&run, dir);
    assert_int_equal(run_locate(&run, fail_on_warning, NULL, &err), 0);
    struct metrics *m = metrics_open(dir->run, 0, NULL, NULL, &err);
    struct checkpointer *k = checkpointer_new(&run, m, &roster, 2);
    char *elsewhere = file_join(dir->root, "elsewhere");
    Trireme__Saved *saved = saved_of(elsewhere, 0, 5);
    assert_int_equal(checkpointer_add_shard(k, 0, saved, &err), -1); // before any order
    assert_string_equal(err.text, "server 0 saved step 5, which nobody asked for");
    assert_non_null(begin(k, &run, 6, 1));
    assert_int_equal(checkpointer_add_shard(k, 0, saved, &err), -1); // another step
    saved->step = 6;
    assert_int_equal(checkpointer_add_shard(k, 0, saved, &err), 0);
    assert_int_equal(checkpointer_add_shard(k, 0, saved, &err), -1); // twice
    assert_true(checkpointer_busy(k));
    char *folder = checkpoint_folder(dir->run, 6), *manifest = file_join(folder, "manifest.json");
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
    const struct run_dir *dir = *state;
    struct err err;
    struct run run;
    run_dir_claim(&run, dir);
    assert_int_equal(run_locate(&run, fail_on_warning, NULL, &err), 0);
    struct metrics *m = metrics_open(dir->run, 0, NULL, NULL, &err);
    struct checkpointer *k = checkpointer_new(&run, m, &roster, 2);
    char *folder = checkpoint_folder(dir->run, 5),
         *stale = file_join(folder, "shard-0-of-9.safetensors");
    must_write_text(folder, "shard-0-of-9.safetensors", "stale");
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
        test_in_run_dir(a_checkpoint_is_complete_with_the_last_shard),
        test_in_run_dir(a_checkpoint_that_is_held_waits_and_gives_way_to_a_later_one),
        test_in_run_dir(shards_that_nobody_asked_for_are_refused),
        test_in_run_dir(what_a_launch_that_died_left_in_a_checkpoint_is_removed_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
