/* Weights that are not finite are named when training stops because of them, wherever they come
 * from. */
#include "tests/unit/roles/role_harness.h"

#include "base/digest.h"
#include "proto/file/shard_file.h"
#include "proto/tensor/shard_map.h"

#include <math.h>

struct place {
    char *root, *data, *run;
};

static int set_up(void **state)
{
    struct place *p = mem_new(1, sizeof *p);
    p->root = test_folder_new();
    p->data = file_join(p->root, "data");
    p->run = file_join(p->root, "run");
    role_harness_write_source(p->data, "a", 1, 4001, false);
    role_harness_write_source(p->data, "b", 1, 4001, false);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    test_folder_free(p->root);
    free(p->data);
    free(p->run);
    free(p);
    return 0;
}

static void plan(const struct place *p, struct run *run, const char *name, const char *setting)
{
    struct err err;
    char *folder = file_join(p->root, name);
    const char *const settings[] = {"train.steps=3", setting, NULL};
    if (run_plan_train(run, folder, role_harness_config(p->data, settings), &err) < 0)
        fail_msg("%s", err.text);
    free(folder);
}

/* Puts a value in the place of an element of a tensor in the run's checkpoint of step 3, which one
 * server wrote, as if an update had made it. */
static void poison(const struct place *p, const char *name, size_t row, size_t column, float value)
{
    struct err err;
    char *folder = checkpoint_folder(p->run, 3);
    Trireme__Manifest *m = checkpoint_manifest(folder, &err);
    assert_non_null(m);
    struct layout *layout = layout_new(m->config->model);
    struct checkpoint_state kept = checkpoint_state_read(p->run, 3);
    struct shard shard;
    struct digest digest;
    char hex[DIGEST_HEX_SIZE];
    const struct tensor *tensor = layout_find(layout, "%s", name);
    kept.arrays[0][tensor->offset + row * tensor->columns + column] = value;
    if (shard_map(&shard, 1, layout, &err) < 0 ||
        shard_file_write(folder, 0, 1, layout, &shard, kept.arrays[0], kept.arrays + 1,
                         kept.n_moments, &digest, &m->shards[0]->bytes, &err) < 0)
        fail_msg("%s", err.text);
    digest_hex(hex, digest);
    free(m->shards[0]->digest);
    m->shards[0]->digest = mem_strdup(hex);
    if (checkpoint_complete(folder, m, &err) < 0)
        fail_msg("%s", err.text);
    checkpoint_state_free(&kept);
    layout_free(layout);
    message_free(m);
    free(folder);
}

static void train_and_poison(const struct place *p)
{
    struct run run;
    struct err how;
    plan(p, &run, "run", NULL);
    role_harness_run(&run, &(struct harness_launch){.servers = 1, .workers = 1}, &how);
    // the last of two: the first in the order of the layout is named
    poison(p, "layers.0.mlp.up.weight", 5, 3, INFINITY);
    poison(p, "layers.0.norm2.weight", 4, 0, NAN);
}

static void a_checkpoint_that_is_continued(void **state)
{
    const struct place *p = *state;
    char *const settings[] = {"train.steps=6"};
    for (int servers = 1; servers <= 3; servers++) {
        struct run run;
        struct err how, err;
        if (servers == 1)
            train_and_poison(p);
        if (run_plan_resume(&run, p->run, settings, 1, &err) < 0)
            fail_msg("%s", err.text);
        role_harness_run(
            &run, &(struct harness_launch){.servers = servers, .workers = 2, .expected = ERR_TRAIN},
            &how);
        assert_contains(how.text, "step 4: the loss is");
        assert_contains(how.text, "training has diverged: the first weight that is not finite is "
                                  "layers.0.norm2.weight[4]; ");
        assert_contains(how.text, "keeps step 3");
    }
}

static void a_checkpoint_that_another_run_begins_with(void **state)
{
    const struct place *p = *state;
    struct run run;
    struct err how;
    train_and_poison(p);
    poison(p, "layers.0.norm2.weight", 4, 0, 1);
    char *from = mem_format("init.from=%s@3", p->run);
    plan(p, &run, "other", from);
    role_harness_run(
        &run, &(struct harness_launch){.servers = 2, .workers = 2, .expected = ERR_TRAIN}, &how);
    assert_contains(how.text, "step 1: ");
    assert_contains(how.text,
                    "the first weight that is not finite is layers.0.mlp.up.weight[5, 3]");
    free(from);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_checkpoint_that_is_continued),
        test(a_checkpoint_that_another_run_begins_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
