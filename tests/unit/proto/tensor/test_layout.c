#include "tests/unit/support.h"

#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"
#include "proto/tensor/shard_map.h"

static Trireme__Model small(Trireme__Model__Arch arch)
{
    Trireme__Model model = TRIREME__MODEL__INIT;
    model.arch = arch, model.layers = 2, model.heads = 4, model.width = 32, model.context = 16,
    model.vocab = 61;
    struct err err;
    assert_int_equal(model_shape_resolve(&model, &err), 0);
    return model;
}

static void gpt2_124m_has_its_known_number_of_parameters(void **state)
{
    (void)state;
    Trireme__Model model = TRIREME__MODEL__INIT;
    model.layers = 12, model.heads = 12, model.width = 768, model.context = 1024,
    model.vocab = 50257;
    struct err err;
    assert_int_equal(model_shape_resolve(&model, &err), 0);
    struct layout *layout = layout_new(&model);
    assert_int_equal(layout->n_params, 124439808);
    layout_free(layout);
}

static void tensors_and_blocks_cover_the_flat_array_without_gap(void **state)
{
    (void)state;
    for (int arch = 0; arch < 2; arch++) {
        Trireme__Model model = small((Trireme__Model__Arch)arch);
        model.width = 288; // blocks of more than one a tensor
        model.ffn = 1000;
        struct layout *layout = layout_new(&model);
        size_t at = 0;
        for (size_t i = 0; i < layout->n_tensors; i++) {
            assert_int_equal(layout->tensors[i].offset, at);
            at += tensor_count(&layout->tensors[i]);
        }
        assert_int_equal(at, layout->n_params);
        at = 0;
        for (size_t i = 0; i < layout->n_blocks; i++) {
            const struct block *b = &layout->blocks[i];
            assert_int_equal(b->offset, at);
            assert_int_equal(b->count, b->n_rows * layout->tensors[b->tensor].columns);
            at += b->count;
        }
        assert_int_equal(at, layout->n_params);
        layout_free(layout);
    }
}

static void shards_cover_all_blocks_for_every_number_of_servers(void **state)
{
    (void)state;
    Trireme__Model model = small(TRIREME__MODEL__ARCH__gpt2);
    struct layout *layout = layout_new(&model);
    struct shard shards[100];
    struct err err;
    for (size_t n = 1; n <= layout->n_blocks; n++) {
        assert_int_equal(shard_map(shards, n, layout, &err), 0);
        size_t block = 0;
        for (size_t s = 0; s < n; s++) {
            assert_int_equal(shards[s].first_block, block);
            assert_true(shards[s].n_blocks > 0);
            block += shards[s].n_blocks;
        }
        assert_int_equal(block, layout->n_blocks);
    }
    assert_int_equal(shard_map(shards, layout->n_blocks + 1, layout, &err), -1);
    assert_contains(err.text, "servers: found");
    layout_free(layout);
}

static void shards_of_a_large_model_are_even_within_one_block(void **state)
{
    (void)state;
    Trireme__Model model = TRIREME__MODEL__INIT;
    struct err err;
    assert_int_equal(model_shape_resolve(&model, &err), 0);
    struct layout *layout = layout_new(&model);
    struct shard shards[7];
    assert_int_equal(shard_map(shards, 7, layout, &err), 0);
    for (size_t s = 0; s < 7; s++)
        assert_true(shards[s].count > layout->n_params / 7 - 2 * BLOCK_ELEMENTS &&
                    shards[s].count < layout->n_params / 7 + 2 * BLOCK_ELEMENTS);
    layout_free(layout);
}

static void sizes_that_do_not_fit_are_refused_with_the_field(void **state)
{
    (void)state;
    struct err err;
    Trireme__Model model = TRIREME__MODEL__INIT;
    model.heads = 7;
    assert_int_equal(model_shape_resolve(&model, &err), -1);
    assert_contains(err.text,
                    "model.heads: found 7, expected a number that divides model.width = 384");
    model = (Trireme__Model)TRIREME__MODEL__INIT;
    model.arch = TRIREME__MODEL__ARCH__llama, model.kv_heads = 4;
    assert_int_equal(model_shape_resolve(&model, &err), -1);
    assert_contains(err.text, "model.kv_heads");
    model = (Trireme__Model)TRIREME__MODEL__INIT;
    model.arch = TRIREME__MODEL__ARCH__llama, model.width = 6 * 63;
    assert_int_equal(model_shape_resolve(&model, &err), -1);
    assert_contains(err.text, "even number");
}

static void flops_of_a_token_follow_the_contract(void **state)
{
    (void)state;
    // 6 layers, width 384, vocab 256, context 256, tied head
    Trireme__Model model = TRIREME__MODEL__INIT;
    struct err err;
    assert_int_equal(model_shape_resolve(&model, &err), 0);
    double multiply = 6.0 * (12.0 * 384 * 384) + 256.0 * 384;
    assert_true(model_shape_flops_per_token(&model) == 6 * multiply + 6.0 * 6 * 384 * 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt2_124m_has_its_known_number_of_parameters),
        cmocka_unit_test(tensors_and_blocks_cover_the_flat_array_without_gap),
        cmocka_unit_test(shards_cover_all_blocks_for_every_number_of_servers),
        cmocka_unit_test(shards_of_a_large_model_are_even_within_one_block),
        cmocka_unit_test(sizes_that_do_not_fit_are_refused_with_the_field),
        cmocka_unit_test(flops_of_a_token_follow_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
