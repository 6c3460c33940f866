#include "tests/unit/ps/store_fixture.h"

#include "base/digest.h"
#include "base/mem.h"
#include "base/random.h"
#include "math/optimizer.h"
#include "proto/tensor/layout.h"
#include "ps/gather.h"
#include "ps/store.h"

#include <math.h>

static const size_t numbers[] = {1, 2, 3, 8}; /* of servers */

static void check_same(const struct store_fixture *found, const struct store_fixture *expected,
                       int array)
{
    float *a = store_fixture_array(found, array), *b = store_fixture_array(expected, array);
    assert_memory_equal(a, b, found->layout->n_params * sizeof *a);
    free(a);
    free(b);
}

static void first_weights_do_not_depend_on_the_number_of_servers(void **state)
{
    (void)state;
    struct store_fixture one = store_fixture_new(1, TRIREME__OPTIMIZER__NAME__adamw),
                         other = store_fixture_new(1, TRIREME__OPTIMIZER__NAME__adamw);
    store_draw(one.stores[0], 1337);
    for (size_t k = 1; k < 4; k++) {
        struct store_fixture many = store_fixture_new(numbers[k], TRIREME__OPTIMIZER__NAME__adamw);
        for (size_t s = 0; s < many.n; s++)
            store_draw(many.stores[s], 1337);
        check_same(&many, &one, 0);
        store_fixture_free(&many);
    }
    store_draw(other.stores[0], 1338);
    float *a = store_fixture_array(&one, 0), *b = store_fixture_array(&other, 0);
    assert_memory_not_equal(a, b, one.layout->n_params * sizeof *a);
    free(a);
    free(b);
    store_fixture_free(&one);
    store_fixture_free(&other);
}

static void first_weights_are_what_the_layout_says(void **state)
{
    (void)state;
    struct store_fixture f = store_fixture_new(1, TRIREME__OPTIMIZER__NAME__sgd);
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
    store_fixture_free(&f);
}

static void push_gradient(struct gather *g, const struct store_fixture *f, size_t s,
                          const float *gradient)
{
    struct err err;
    gather_begin(g, 1);
    for (size_t b = f->shards[s].first_block; b < f->shards[s].first_block + f->shards[s].n_blocks;
         b++)
        if (gather_push(g, b, (struct tree_node){0, 1}, gradient + f->layout->blocks[b].offset,
                        f->layout->blocks[b].count, &err) < 0)
            fail_msg("%s", err.text);
}

static float *gradient_of(const struct store_fixture *f, uint64_t step)
{
    float *gradient = mem_floats(f->layout->n_params);
    for (size_t i = 0; i < f->layout->n_params; i++)
        gradient[i] = (float)random_normal(step, i);
    return gradient;
}

/* Updates whole tensors, each with its own decay. Any number of servers must get these bits. */
static void update_whole(float *weights, float *moments[2], const struct store_fixture *f,
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
        struct store_fixture f = store_fixture_new(numbers[k], name);
        struct gather *gathers[SERVERS_MAX];
        for (size_t s = 0; s < f.n; s++) {
            gathers[s] = gather_new(f.layout, &f.shards[s]);
            store_draw(f.stores[s], 5);
        }
        size_t n = f.layout->n_params;
        float *weights = store_fixture_array(&f, 0), *moments[2] = {mem_floats(n), mem_floats(n)};
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
            float *found = store_fixture_array(&f, a), *expected = a ? moments[a - 1] : weights;
            assert_memory_equal(found, expected, n * sizeof *found);
            free(found);
        }
        free(weights);
        free(moments[0]);
        free(moments[1]);
        for (size_t s = 0; s < f.n; s++)
            gather_free(gathers[s]);
        store_fixture_free(&f);
    }
}

static void an_update_of_any_number_of_servers_is_one_over_the_whole_array(void **state)
{
    (void)state;
    check_updates(TRIREME__OPTIMIZER__NAME__adamw);
    check_updates(TRIREME__OPTIMIZER__NAME__sgd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_weights_do_not_depend_on_the_number_of_servers),
        cmocka_unit_test(first_weights_are_what_the_layout_says),
        cmocka_unit_test(an_update_of_any_number_of_servers_is_one_over_the_whole_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
