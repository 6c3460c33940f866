/* The checkpoints of a run: what is damaged is passed over and never used. */
#include "tests/unit/proto/file/model_fixture.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/file/checkpoint.h"

#include "control.pb-c.h"

#include <sys/resource.h>
#include <unistd.h>

static char *file_of(const char *run, uint64_t step, const char *name)
{
    char *folder = checkpoint_folder(run, step), *path = file_join(folder, name);
    free(folder);
    return path;
}

static int n_warnings;
static char last_warning[1200];

static void warn(void *context, const char *sentence)
{
    (void)context;
    n_warnings++;
    snprintf(last_warning, sizeof last_warning, "%s", sentence);
}

/* Checks that the newest good checkpoint is of that step, and that there is a warning for each
 * newer one. */
static void check_newest(const char *run, uint64_t step, int warnings)
{
    struct err err;
    char *folder = NULL;
    Trireme__Manifest *m = NULL;
    n_warnings = 0;
    if (checkpoint_newest(&folder, &m, run, warn, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
    assert_non_null(folder);
    assert_int_equal(m->step, step);
    assert_int_equal(n_warnings, warnings);
    if (warnings)
        assert_contains(last_warning, "WARNING: a checkpoint is damaged and passed over: ");
    message_free(m);
    free(folder);
}

static void a_run_without_checkpoints_has_none_and_that_is_no_error(void **state)
{
    struct err err;
    char *folder = (char *)"unset", *empty = file_join(*state, "checkpoints/step-00000001");
    Trireme__Manifest *m = NULL;
    assert_int_equal(checkpoint_newest(&folder, &m, *state, warn, NULL, NULL, &err), 0);
    assert_true(folder == NULL && m == NULL);
    assert_int_equal(file_make_dirs(empty, ERR_USAGE, &err), 0); // begun, never completed
    assert_int_equal(checkpoint_newest(&folder, &m, *state, warn, NULL, NULL, &err), 0);
    assert_true(folder == NULL && m == NULL);
    free(empty);
}

static void a_damaged_checkpoint_is_passed_over_with_one_warning(void **state)
{
    struct model_fixture f = model_fixture_new();
    write_checkpoint(&f, *state, 2, 1);
    write_checkpoint(&f, *state, 4, 2);
    check_newest(*state, 4, 0);
    char *shard = file_of(*state, 4, "shard-1-of-2.safetensors"),
         *manifest = file_of(*state, 4, "manifest.json");
    size_t size = 0, manifest_size = 0;
    char *good = must_read(shard, &size), *good_manifest = must_read(manifest, &manifest_size);

    flip_bit(shard, size - 5);
    check_newest(*state, 2, 1);
    assert_contains(last_warning, "the file is damaged");
    must_write(shard, good, size);
    check_newest(*state, 4, 0);
    cut_file(shard, size - 1);
    check_newest(*state, 2, 1);
    assert_contains(last_warning, "bytes, expected");
    assert_int_equal(unlink(shard), 0);
    check_newest(*state, 2, 1);
    must_write(shard, good, size);

    const char *const garbage[] = {
        "", "{", "[]", "garbage", "{\"step\":4}", "{\"format\":2,\"step\":4}"};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        must_write(manifest, garbage[i], strlen(garbage[i]));
        check_newest(*state, 2, 1);
    }
    // the last bytes are a brace and a line end
    for (size_t n = 0; n + 3 < manifest_size; n += 97) {
        must_write(manifest, good_manifest, n);
        check_newest(*state, 2, 1);
    }
    must_write(manifest, good_manifest, manifest_size);
    check_newest(*state, 4, 0);
    free(good);
    free(good_manifest);
    free(shard);
    free(manifest);
    model_fixture_free(&f);
}

/* Each flipped bit of the manifest is found, at the latest by the manifest's own digest. */
static void no_bit_of_a_manifest_can_flip_unseen(void **state)
{
    struct model_fixture f = model_fixture_new();
    write_checkpoint(&f, *state, 2, 1);
    char *manifest = file_of(*state, 2, "manifest.json"), *folder = checkpoint_folder(*state, 2);
    size_t size = 0;
    char *good = must_read(manifest, &size);
    for (size_t i = 0; i < size; i++) {
        struct err err;
        flip_bit(manifest, i);
        Trireme__Manifest *m = checkpoint_manifest(folder, &err);
        if (m)
            fail_msg("a flipped bit of byte %zu was taken", i);
        must_write(manifest, good, size);
    }
    free(good);
    free(folder);
    free(manifest);
    model_fixture_free(&f);
}

/* The digest of a manifest's own text: the last one there. */
static char *own_digest_in(char *text)
{
    static const char key[] = "\"digest\": \"";
    char *found = NULL;
    for (char *at = text; (at = strstr(at, key)); at += sizeof key - 1)
        found = at + sizeof key - 1;
    assert_non_null(found);
    return found;
}

/* What stands in the configuration of a manifest that an earlier version wrote does not make it
 * unreadable, and its digest is that of the bytes that are there. */
static void a_manifest_of_an_earlier_version_is_read_and_still_verified(void **state)
{
    static const char now[] = "\"stake\": ", then[] = "\"beta\":  "; // as long
    struct err err;
    struct model_fixture f = model_fixture_new();
    f.config->gate->has_stake = 1, f.config->gate->stake = 0.25;
    write_checkpoint(&f, *state, 2, 1);
    char *manifest = file_of(*state, 2, "manifest.json"), *folder = checkpoint_folder(*state, 2);
    size_t size = 0;
    char *text = must_read(manifest, &size), *at = strstr(text, now);
    assert_non_null(at);
    memcpy(at, then, sizeof then - 1);
    must_write(manifest, text, size);
    assert_null(checkpoint_manifest(folder, &err)); // it is not what was written
    assert_contains(err.text, "the file is damaged");
    const char *expected = strstr(err.text, "expected ") + strlen("expected ");
    memcpy(own_digest_in(text), expected, DIGEST_HEX_SIZE - 1);
    must_write(manifest, text, size);
    Trireme__Manifest *m = checkpoint_manifest(folder, &err);
    if (!m)
        fail_msg("%s", err.text);
    assert_true(m->config->gate->stake == 0.033); // the default
    message_free(m);
    free(text);
    free(folder);
    free(manifest);
    model_fixture_free(&f);
}

static void a_run_whose_checkpoints_are_all_damaged_is_refused(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    char *folder = NULL;
    Trireme__Manifest *m = NULL;
    for (uint64_t step = 1; step <= 2; step++) {
        write_checkpoint(&f, *state, step, 1);
        char *shard = file_of(*state, step, "shard-0-of-1.safetensors");
        flip_bit(shard, 5000);
        free(shard);
    }
    n_warnings = 0;
    assert_int_equal(checkpoint_newest(&folder, &m, *state, warn, NULL, NULL, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "found 2, and all are damaged");
    assert_int_equal(n_warnings, 2);
    assert_true(folder == NULL && m == NULL);
    model_fixture_free(&f);
}

static void a_verification_is_left_on_request_and_nothing_is_concluded(void **state)
{
    static volatile sig_atomic_t stop = 1;
    struct err err;
    struct model_fixture f = model_fixture_new();
    char *folder = NULL, *shard = file_of(*state, 1, "shard-0-of-1.safetensors");
    Trireme__Manifest *m = NULL;
    write_checkpoint(&f, *state, 1, 1);
    flip_bit(shard, 5000); // not known where it was not read to its end
    n_warnings = 0;
    assert_int_equal(checkpoint_newest(&folder, &m, *state, warn, NULL, &stop, &err), -1);
    assert_int_equal(err.code, ERR_STOPPED);
    assert_int_equal(checkpoint_of_step(&folder, &m, *state, 1, &stop, &err), -1);
    assert_int_equal(err.code, ERR_STOPPED);
    assert_int_equal(n_warnings, 0);
    assert_true(folder == NULL && m == NULL);
    free(shard);
    model_fixture_free(&f);
}

/* A file that exists and cannot be read: reading it is an I/O error, as of a broken disk. */
static void make_unreadable(const char *path)
{
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/proc/self/mem", path), 0);
}

static void check_unreadable(const char *run, const char *part)
{
    struct err err;
    char *folder = NULL;
    Trireme__Manifest *m = NULL;
    n_warnings = 0;
    assert_int_equal(checkpoint_newest(&folder, &m, run, warn, NULL, NULL, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, part);
    assert_int_equal(n_warnings, 0); // it is not passed over
}

static void a_checkpoint_that_cannot_be_read_is_not_damaged_and_nothing_is_touched(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    const char *const names[] = {"shard-0-of-1.safetensors", "manifest.json"};
    for (int i = 0; i < 2; i++) {
        write_checkpoint(&f, *state, 2, 1);
        write_checkpoint(&f, *state, 4, 1);
        char *path = file_of(*state, 4, names[i]), *all = file_join(*state, "checkpoints");
        make_unreadable(path);
        char *sentence = mem_format("%s: cannot read: Input/output error", path);
        check_unreadable(*state, sentence);
        free(sentence);
        // that its manifest cannot be looked at does not make it an unfinished one
        if (i) {
            assert_int_equal(unlink(path), 0);
            assert_int_equal(symlink(path, path), 0);
            check_unreadable(*state, path);
            assert_int_equal(checkpoint_prune(*state, 6, 1, NULL, 0, &err), -1);
            assert_int_equal(err.code, ERR_MACHINE);
        }
        size_t n = 0;
        char **left = file_names(all, &n, ERR_DATA, &err);
        assert_int_equal(n, 2);
        assert_string_equal(left[0], "step-00000002");
        assert_string_equal(left[1], "step-00000004");
        file_names_free(left);
        assert_int_equal(file_remove_tree(all, ERR_DATA, &err), 0);
        free(all);
        free(path);
    }
    model_fixture_free(&f);
}

static void without_descriptors_no_checkpoint_is_taken_for_damaged(void **state)
{
    struct model_fixture f = model_fixture_new();
    struct rlimit limit, few;
    write_checkpoint(&f, *state, 2, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    check_unreadable(*state, "Too many open files");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    check_newest(*state, 2, 0);
    model_fixture_free(&f);
}

/* Writes a manifest whose first shard has another name, and checks that it is refused. */
static void check_name_refused(const char *folder, const struct model_fixture *f, const char *name)
{
    struct err err;
    Trireme__Manifest *m = write_shards(f, folder, 1, 3);
    free(m->shards[0]->file);
    m->shards[0]->file = mem_strdup(name);
    assert_int_equal(checkpoint_complete(folder, m, &err), 0);
    Trireme__Manifest *found = checkpoint_manifest(folder, &err);
    int rc = found ? checkpoint_verify(folder, found, &err) : -1;
    if (rc == 0)
        fail_msg("a shard named '%s' was taken", name);
    assert_int_equal(err.code, ERR_DATA);
    message_free(found);
    message_free(m);
}

static void shard_names_that_lead_out_of_the_folder_are_refused(void **state)
{
    struct model_fixture f = model_fixture_new();
    char *folder = file_join(*state, "inside"),
         *outside = file_join(*state, "shard-0-of-1.safetensors");
    check_name_refused(folder, &f, "other");
    char *inside = file_join(folder, "shard-0-of-1.safetensors");
    size_t size = 0;
    char *bytes = must_read(inside, &size);
    must_write(outside, bytes, size); // there is a good one to be found
    check_name_refused(folder, &f, "../shard-0-of-1.safetensors");
    check_name_refused(folder, &f, outside);
    check_name_refused(folder, &f, "sub/../shard-0-of-1.safetensors");
    check_name_refused(folder, &f, "..");
    check_name_refused(folder, &f, ".");
    check_name_refused(folder, &f, "");
    free(bytes);
    free(inside);
    free(outside);
    free(folder);
    model_fixture_free(&f);
}

static void a_manifest_of_another_step_than_its_folder_is_refused(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    char *folder = checkpoint_folder(*state, 4);
    Trireme__Manifest *m = write_shards(&f, folder, 1, 5);
    assert_int_equal(checkpoint_complete(folder, m, &err), 0);
    assert_null(checkpoint_manifest(folder, &err));
    assert_contains(err.text, "found step 5, expected that of its folder");
    message_free(m);
    free(folder);
    model_fixture_free(&f);
}

static void steps_rise_as_numbers_and_other_names_are_left_alone(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    const uint64_t made[] = {100000000, 99999999, 7, 1000};
    for (size_t i = 0; i < 4; i++)
        write_checkpoint(&f, *state, made[i], 1);
    const char *const foreign[] = {"step-7", "step-0000000007", "step-0000000x",
                                   "step-",  "step--0000001",   "other"};
    for (size_t i = 0; i < 6; i++) {
        char *folder = mem_format("%s/checkpoints/%s", (char *)*state, foreign[i]);
        assert_int_equal(file_make_dirs(folder, ERR_USAGE, &err), 0);
        char *path = file_join(folder, "manifest.json");
        must_write(path, "{}", 2);
        free(path);
        free(folder);
    }
    size_t n = 0;
    uint64_t *steps = checkpoint_steps(*state, &n, &err);
    const uint64_t expected[] = {7, 1000, 99999999, 100000000};
    assert_int_equal(n, 4);
    assert_memory_equal(steps, expected, sizeof expected);
    free(steps);
    check_newest(*state, 100000000, 0);
    model_fixture_free(&f);
}

static void check_steps(const char *run, const uint64_t *expected, size_t n_expected)
{
    struct err err;
    size_t n = 0;
    uint64_t *steps = checkpoint_steps(run, &n, &err);
    assert_int_equal(n, n_expected);
    assert_memory_equal(steps, expected, n * sizeof *steps);
    free(steps);
}

static void pruning_keeps_the_newest_and_removes_unfinished_older_ones(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    for (uint64_t step = 1; step <= 5; step++)
        write_checkpoint(&f, *state, 10 * step, 1);
    const uint64_t unfinished[] = {5, 45, 60};
    for (size_t i = 0; i < 3; i++) {
        char *folder = checkpoint_folder(*state, unfinished[i]);
        message_free(write_shards(&f, folder, 1, unfinished[i]));
        free(folder);
    }
    assert_int_equal(checkpoint_prune(*state, 50, 9, NULL, 0, &err), 0);
    check_steps(*state, (const uint64_t[]){10, 20, 30, 40, 50}, 5);
    assert_int_equal(checkpoint_prune(*state, 50, 2, NULL, 0, &err), 0);
    check_steps(*state, (const uint64_t[]){40, 50}, 2);
    const bool there[] = {false, false, true};
    for (size_t i = 0; i < 3; i++) {
        char *folder = checkpoint_folder(*state, unfinished[i]);
        assert_int_equal(file_exists(folder), there[i]);
        free(folder);
    }
    check_newest(*state, 50, 0);
    model_fixture_free(&f);
}

/* A launch that passed over damaged checkpoints writes the next one before their steps. */
static void pruning_never_removes_the_one_just_written_for_damaged_later_ones(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    for (uint64_t step = 1; step <= 3; step++)
        write_checkpoint(&f, *state, 10 * step, 1);
    char *shard = file_of(*state, 30, "shard-0-of-1.safetensors");
    flip_bit(shard, 5000);
    assert_int_equal(checkpoint_prune(*state, 20, 1, NULL, 0, &err), 0);
    check_steps(*state, (const uint64_t[]){20}, 1);
    check_newest(*state, 20, 0);
    char *aside =
        mem_format("%s/checkpoints/step-00000030.damaged/shard-0-of-1.safetensors", (char *)*state);
    assert_true(file_exists(aside)); // damaged or not, nothing is lost
    free(aside);
    free(shard);
    model_fixture_free(&f);
}

/* Renames the checkpoint of a step to a folder whose name has that end; the path is the
 * caller's. */
static char *move_to(const char *run, uint64_t step, const char *end)
{
    char *from = checkpoint_folder(run, step), *to = mem_format("%s%s", from, end);
    assert_int_equal(rename(from, to), 0);
    free(from);
    return to;
}

static void what_was_to_take_a_checkpoints_place_does_so_only_where_there_is_none(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    for (uint64_t step = 1; step <= 3; step++)
        write_checkpoint(&f, *state, 10 * step, 1);
    char *whole = move_to(*state, 30, ".new"), *other = move_to(*state, 20, ".new");
    write_checkpoint(&f, *state, 20, 1); // is there: what was to replace it stays as it is
    char *aside = move_to(*state, 10, ".aside");
    assert_int_equal(checkpoint_recover(*state, &err), 0);
    check_steps(*state, (const uint64_t[]){20, 30}, 2);
    check_newest(*state, 30, 0);
    assert_true(!file_exists(whole) && file_exists(other) && file_exists(aside));
    assert_int_equal(checkpoint_prune(*state, 30, 9, NULL, 0, &err), 0);
    check_steps(*state, (const uint64_t[]){20, 30}, 2);
    assert_true(!file_exists(other) && !file_exists(aside));
    free(aside);
    free(other);
    free(whole);
    model_fixture_free(&f);
}

static void pruning_leaves_suspended_forks_to_the_newest_alone(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    char *suspended[2];
    for (uint64_t i = 0; i < 2; i++) {
        write_checkpoint(&f, *state, 10 * (i + 1), 1);
        suspended[i] = file_of(*state, 10 * (i + 1), "suspended");
        assert_int_equal(file_make_dirs(suspended[i], ERR_USAGE, &err), 0);
    }
    assert_int_equal(checkpoint_prune(*state, 20, 3, (const uint64_t[]){10}, 1, &err), 0);
    check_steps(*state, (const uint64_t[]){10, 20}, 2);
    assert_true(!file_exists(suspended[0]) && file_exists(suspended[1]));
    free(suspended[0]);
    free(suspended[1]);
    model_fixture_free(&f);
}

static void a_checkpoint_is_found_by_run_and_step(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    char *folder = NULL, *name = mem_format("%s@2", (char *)*state),
         *missing = mem_format("%s@3", (char *)*state);
    char *bad = mem_format("%s@2x", (char *)*state), *none = file_join(*state, "none");
    Trireme__Manifest *m = NULL;
    assert_int_equal(checkpoint_find(&folder, &m, *state, warn, NULL, &err), -1);
    assert_contains(err.text, "found no checkpoint");
    write_checkpoint(&f, *state, 2, 1);
    write_checkpoint(&f, *state, 4, 2);
    assert_int_equal(checkpoint_find(&folder, &m, *state, warn, NULL, &err), 0);
    assert_int_equal(m->step, 4);
    message_free(m);
    free(folder);
    assert_int_equal(checkpoint_find(&folder, &m, name, warn, NULL, &err), 0);
    assert_int_equal(m->step, 2);
    float *weights = NULL, *moments[2] = {0};
    int n_moments = 0;
    assert_int_equal(checkpoint_read(folder, m, f.layout, &weights, moments, &n_moments, &err), 0);
    assert_int_equal(n_moments, 2);
    check_bits(weights, f.weights, f.layout->n_params);
    check_bits(moments[1], f.moments[1], f.layout->n_params);
    free(weights);
    free(moments[0]);
    free(moments[1]);
    message_free(m);
    free(folder);
    assert_int_equal(checkpoint_find(&folder, &m, missing, warn, NULL, &err), -1);
    assert_contains(err.text, "there is no checkpoint of step 3");
    assert_int_equal(err.code, ERR_DATA);
    assert_int_equal(checkpoint_find(&folder, &m, bad, warn, NULL, &err), -1);
    assert_contains(err.text, "found '2x' behind the @, expected a step");
    assert_int_equal(checkpoint_find(&folder, &m, none, warn, NULL, &err), -1);
    assert_contains(err.text, "there is no such run");
    assert_int_equal(err.code, ERR_USAGE);
    free(none);
    free(bad);
    free(missing);
    free(name);
    model_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_run_without_checkpoints_has_none_and_that_is_no_error),
        test_in_folder(a_damaged_checkpoint_is_passed_over_with_one_warning),
        test_in_folder(no_bit_of_a_manifest_can_flip_unseen),
        test_in_folder(a_manifest_of_an_earlier_version_is_read_and_still_verified),
        test_in_folder(a_run_whose_checkpoints_are_all_damaged_is_refused),
        test_in_folder(a_verification_is_left_on_request_and_nothing_is_concluded),
        test_in_folder(a_checkpoint_that_cannot_be_read_is_not_damaged_and_nothing_is_touched),
        test_in_folder(without_descriptors_no_checkpoint_is_taken_for_damaged),
        test_in_folder(shard_names_that_lead_out_of_the_folder_are_refused),
        test_in_folder(a_manifest_of_another_step_than_its_folder_is_refused),
        test_in_folder(steps_rise_as_numbers_and_other_names_are_left_alone),
        test_in_folder(pruning_keeps_the_newest_and_removes_unfinished_older_ones),
        test_in_folder(pruning_never_removes_the_one_just_written_for_damaged_later_ones),
        test_in_folder(what_was_to_take_a_checkpoints_place_does_so_only_where_there_is_none),
        test_in_folder(pruning_leaves_suspended_forks_to_the_newest_alone),
        test_in_folder(a_checkpoint_is_found_by_run_and_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
