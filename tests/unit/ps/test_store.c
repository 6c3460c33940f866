#include "tests/unit/support.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "math/optimizer.h"
#include "proto/file/checkpoint.h"
#include "proto/file/shard_file.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"
#include "ps/gather.h"
#include "ps/snapshot.h"
#include "ps/store.h"
#include "ps/sync.h"

#include <math.h>

enum { SERVERS_MAX = 8 };
static const size_t numbers[] = {1, 2, 3, 8};

struct fleet { /* the stores of n servers */
    Trireme__Config *config;
    struct layout *layout;
    size_t n;
    struct shard shards[SERVERS_MAX];
    struct store *stores[SERVERS_MAX];
};

static struct fleet fleet_new(size_t n, Trireme__Optimizer__Name name)
{
    struct err err;
    struct fleet f = {.config = message_new(&trireme__config__descriptor), .n = n};
    Trireme__Model *m = f.config->model;
    // the embedding has several blocks
    m->layers = 1, m->heads = 2, m->width = 32, m->context = 16, m->vocab = 5000;
    f.config->optimizer->name = name;
    assert_int_equal(model_shape_resolve(m, &err), 0);
    f.layout = layout_new(m);
    assert_int_equal(shard_map(f.shards, n, f.layout, &err), 0);
    for (size_t s = 0; s < n; s++)
        f.stores[s] = store_new(f.layout, &f.shards[s], f.config->optimizer);
    return f;
}

static void fleet_free(struct fleet *f)
{
    for (size_t s = 0; s < f->n; s++)
        store_free(f->stores[s]);
    layout_free(f->layout);
    message_free(f->config);
}

/* The weights (array 0) or moments of all servers, as one. */
static float *fleet_array(const struct fleet *f, int array)
{
    float *all = mem_floats(f->layout->n_params);
    for (size_t s = 0; s < f->n; s++)
        memcpy(all + f->shards[s].offset,
               array ? f->stores[s]->moments[array - 1] : f->stores[s]->weights,
               f->shards[s].count * sizeof *all);
    return all;
}

static void check_same(const struct fleet *found, const struct fleet *expected, int array)
{
    float *a = fleet_array(found, array), *b = fleet_array(expected, array);
    assert_memory_equal(a, b, found->layout->n_params * sizeof *a);
    free(a);
    free(b);
}

static void first_weights_do_not_depend_on_the_number_of_servers(void **state)
{
    (void)state;
    struct fleet one = fleet_new(1, TRIREME__OPTIMIZER__NAME__adamw),
                 other = fleet_new(1, TRIREME__OPTIMIZER__NAME__adamw);
    store_draw(one.stores[0], 1337);
    for (size_t k = 1; k < 4; k++) {
        struct fleet many = fleet_new(numbers[k], TRIREME__OPTIMIZER__NAME__adamw);
        for (size_t s = 0; s < many.n; s++)
            store_draw(many.stores[s], 1337);
        check_same(&many, &one, 0);
        fleet_free(&many);
    }
    store_draw(other.stores[0], 1338);
    float *a = fleet_array(&one, 0), *b = fleet_array(&other, 0);
    assert_memory_not_equal(a, b, one.layout->n_params * sizeof *a);
    free(a);
    free(b);
    fleet_free(&one);
    fleet_free(&other);
}

static void first_weights_are_what_the_layout_says(void **state)
{
    (void)state;
    struct fleet f = fleet_new(1, TRIREME__OPTIMIZER__NAME__sgd);
    store_draw(f.stores[0], 1);
    for (size_t i = 0; i < f.layout->n_tensors; i++) {
        const struct tensor *t = &f.layout->tensors[i];
        const float *w = f.stores[0]->weights + t->offset;
        double squares = 0;
        uint64_t key = digest_key(1, t->name);
        for (size_t j = 0; j < tensor_count(t); j++) {
            if (t->init == INIT_NORMAL && w[j] != (float)(t->std * random_normal(key, j)))
                fail_msg("%s at %zu: found %g, which is not that of seed, name and index", t->name,
                         j, (double)w[j]);
            if (t->init != INIT_NORMAL && w[j] != (t->init == INIT_ONE ? 1 : 0))
                fail_msg("%s at %zu: found %g", t->name, j, (double)w[j]);
            squares += (double)w[j] * (double)w[j];
        }
        double std = sqrt(squares / (double)tensor_count(t));
        if (t->init == INIT_NORMAL && !(fabs(std - t->std) < 0.15 * t->std))
            fail_msg("%s: found a deviation of %g, expected %g", t->name, std, t->std);
    }
    fleet_free(&f);
}

static void push_gradient(struct gather *g, const struct fleet *f, size_t s, const float *gradient)
{
    struct err err;
    gather_begin(g, 1);
    for (size_t b = f->shards[s].first_block; b < f->shards[s].first_block + f->shards[s].n_blocks;
         b++)
        if (gather_push(g, b, (struct tree_node){0, 1}, gradient + f->layout->blocks[b].offset,
                        f->layout->blocks[b].count, &err) < 0)
            fail_msg("%s", err.text);
}

static float *gradient_of(const struct fleet *f, uint64_t step)
{
    float *gradient = mem_floats(f->layout->n_params);
    for (size_t i = 0; i < f->layout->n_params; i++)
        gradient[i] = (float)random_normal(step, i);
    return gradient;
}

/* One rule over whole tensors, with their own decay: what any number of servers must come to. */
static void update_whole(float *weights, float *moments[2], const struct fleet *f,
                         const float *gradient, uint64_t step, double lr, float scale)
{
    const Trireme__Optimizer *o = f->config->optimizer;
    for (size_t i = 0; i < f->layout->n_tensors; i++) {
        const struct tensor *t = &f->layout->tensors[i];
        struct optimizer_step s = {.lr = lr,
                                   .beta1 = o->beta1,
                                   .beta2 = o->beta2,
                                   .eps = o->eps,
                                   .momentum = o->momentum,
                                   .weight_decay = t->n_dims == 2 ? o->weight_decay : 0,
                                   .step = step,
                                   .scale = scale};
        float *m[2] = {moments[0] + t->offset, moments[1] + t->offset};
        optimizer_rule(o->name == TRIREME__OPTIMIZER__NAME__adamw ? "adamw" : "sgd")
            ->update(weights + t->offset, m, gradient + t->offset, tensor_count(t), &s);
    }
}

static void check_updates(Trireme__Optimizer__Name name)
{
    for (size_t k = 0; k < 4; k++) {
        struct fleet f = fleet_new(numbers[k], name);
        struct gather *gathers[SERVERS_MAX];
        for (size_t s = 0; s < f.n; s++) {
            gathers[s] = gather_new(f.layout, &f.shards[s]);
            store_draw(f.stores[s], 5);
        }
        size_t n = f.layout->n_params;
        float *weights = fleet_array(&f, 0), *moments[2] = {mem_floats(n), mem_floats(n)};
        for (uint64_t step = 1; step <= 3; step++) {
            float *gradient = gradient_of(&f, step);
            for (size_t s = 0; s < f.n; s++) {
                push_gradient(gathers[s], &f, s, gradient);
                store_update(f.stores[s], gathers[s], f.config->optimizer, 0.01, 0.5f);
                assert_int_equal(f.stores[s]->step, step);
            }
            update_whole(weights, moments, &f, gradient, step, 0.01, 0.5f);
            free(gradient);
        }
        for (int a = 0; a <= f.stores[0]->rule->n_moments; a++) {
            float *found = fleet_array(&f, a), *expected = a ? moments[a - 1] : weights;
            assert_memory_equal(found, expected, n * sizeof *found);
            free(found);
        }
        free(weights);
        free(moments[0]);
        free(moments[1]);
        for (size_t s = 0; s < f.n; s++)
            gather_free(gathers[s]);
        fleet_free(&f);
    }
}

static void an_update_of_any_number_of_servers_is_one_over_the_whole_array(void **state)
{
    (void)state;
    check_updates(TRIREME__OPTIMIZER__NAME__adamw);
    check_updates(TRIREME__OPTIMIZER__NAME__sgd);
}

static void bulk_synchronous_takes_the_newest_holds_the_next_and_refuses_others(void **state)
{
    (void)state;
    assert_int_equal(sync_bsp.on_push(5, 5), SYNC_TAKE);
    assert_int_equal(sync_bsp.on_push(5, 4), SYNC_REFUSE);
    assert_int_equal(sync_bsp.on_push(5, 6), SYNC_REFUSE);
    assert_int_equal(sync_bsp.on_pull(5, 5), SYNC_TAKE);
    assert_int_equal(sync_bsp.on_pull(5, 6), SYNC_HOLD);
    assert_int_equal(sync_bsp.on_pull(5, 7), SYNC_REFUSE);
    assert_int_equal(sync_bsp.on_pull(5, 4), SYNC_REFUSE);
    assert_int_equal(sync_bsp.on_pull(0, UINT64_MAX), SYNC_REFUSE);
}

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
    struct fleet f = fleet_new(3, TRIREME__OPTIMIZER__NAME__adamw);
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
        float *expected = fleet_array(&f, a);
        assert_memory_equal(a ? moments[a - 1] : weights, expected, n * sizeof *expected);
        free(expected);
    }
    free(weights);
    free(moments[0]);
    free(moments[1]);
    message_free(manifest);
    test_folder_free(folder);
    fleet_free(&f);
}

static void a_snapshot_that_cannot_be_written_says_why(void **state)
{
    (void)state;
    struct err err;
    struct fleet f = fleet_new(1, TRIREME__OPTIMIZER__NAME__adamw);
    Trireme__Shard shard = TRIREME__SHARD__INIT;
    struct snapshot *snapshot = snapshot_begin(f.stores[0], "/nowhere/at/all", 0, 1);
    wait_for(snapshot);
    assert_int_equal(snapshot_end(snapshot, &shard, &err), -1);
    assert_int_equal(err.code, ERR_TRAIN);
    assert_contains(
        err.text,
        "/nowhere/at/all/shard-0-of-1.safetensors: cannot write: No such file or directory");
    assert_true(shard.file == NULL && shard.digest == NULL);
    fleet_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_weights_do_not_depend_on_the_number_of_servers),
        cmocka_unit_test(first_weights_are_what_the_layout_says),
        cmocka_unit_test(an_update_of_any_number_of_servers_is_one_over_the_whole_array),
        cmocka_unit_test(bulk_synchronous_takes_the_newest_holds_the_next_and_refuses_others),
        cmocka_unit_test(a_snapshot_is_read_back_with_the_same_bits),
        cmocka_unit_test(a_snapshot_that_cannot_be_written_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
