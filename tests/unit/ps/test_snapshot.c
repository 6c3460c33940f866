#include "tests/unit/ps/store_fixture.h"

#include "base/clock.h"
#include "base/mem.h"
#include "proto/file/checkpoint.h"
#include "proto/file/shard_file.h"
#include "proto/schema/message.h"
#include "ps/snapshot.h"
#include "ps/store.h"

static void wait_for(const struct snapshot *snapshot)
{
    double deadline = clock_now() + 20;
    while (!snapshot_done(snapshot) && clock_now() < deadline)
        clock_sleep(1e-3);
    assert_true(snapshot_done(snapshot));
}

static void a_snapshot_is_read_back_with_the_same_bits(void **state)
{
    (void)state;
    struct err err;
    struct store_fixture f = store_fixture_new(3, TRIREME__OPTIMIZER__NAME__adamw);
    char *folder = test_folder_new();
    Trireme__Manifest *manifest = message_new(&trireme__manifest__descriptor);
    manifest->shards = mem_new(f.n, sizeof *manifest->shards);
    struct snapshot *snapshots[SERVERS_MAX];
    for (size_t s = 0; s < f.n; s++) {
        store_draw(f.stores[s], 9);
        for (size_t i = 0; i < f.shards[s].count; i++)
            f.stores[s]->moments[0][i] = (float)i, f.stores[s]->moments[1][i] = -(float)i;
        snapshots[s] = snapshot_begin(f.stores[s], folder, s, f.n);
    }
    for (size_t s = 0; s < f.n; s++) {
        wait_for(snapshots[s]);
        Trireme__Shard *shard = manifest->shards[manifest->n_shards++] =
            message_new(&trireme__shard__descriptor);
        if (snapshot_end(snapshots[s], shard, &err) < 0)
            fail_msg("%s", err.text);
    }
    // digest and size are those of the file
    assert_int_equal(checkpoint_verify(folder, manifest, &err), 0);
    size_t n = f.layout->n_params;
    float *weights = mem_floats(n), *moments[2] = {mem_floats(n), mem_floats(n)};
    assert_int_equal(shard_files_read(folder, manifest, f.layout, 0, n, weights, moments, 2, &err),
                     0);
    for (int a = 0; a < 3; a++) {
        float *expected = store_fixture_array(&f, a);
        assert_memory_equal(a ? moments[a - 1] : weights, expected, n * sizeof *expected);
        free(expected);
    }
    free(weights);
    free(moments[0]);
    free(moments[1]);
    message_free(manifest);
    test_folder_free(folder);
    store_fixture_free(&f);
}

static void a_snapshot_that_cannot_be_written_says_why(void **state)
{
    (void)state;
    struct err err;
    struct store_fixture f = store_fixture_new(1, TRIREME__OPTIMIZER__NAME__adamw);
    Trireme__Shard shard = TRIREME__SHARD__INIT;
    struct snapshot *snapshot = snapshot_begin(f.stores[0], "/nowhere/at/all", 0, 1);
    wait_for(snapshot);
    assert_int_equal(snapshot_end(snapshot, &shard, &err), -1);
    assert_int_equal(err.code, ERR_TRAIN);
    assert_contains(
        err.text,
        "/nowhere/at/all/shard-0-of-1.safetensors: cannot write: No such file or directory");
    assert_true(shard.file == NULL && shard.digest == NULL);
    store_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_is_read_back_with_the_same_bits),
        cmocka_unit_test(a_snapshot_that_cannot_be_written_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
