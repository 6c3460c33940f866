#include "tests/unit/proto/tensor/shape_fixture.h"

#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"

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
        Trireme__Model model = TRIREME__MODEL__INIT;
        shape_fixture_set(&model, (Trireme__Model__Arch)arch);
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

static void a_llama_has_the_biases_and_the_heads_that_are_asked_for(void **state)
{
    (void)state;
    struct err err;
    for (int biases = 0; biases < 4; biases++) {
        Trireme__Model model = TRIREME__MODEL__INIT;
        model.arch = TRIREME__MODEL__ARCH__llama;
        model.layers = 1, model.heads = 4, model.kv_heads = 2, model.width = 32, model.ffn = 40;
        model.head_dim = 10, model.attention_bias = biases & 1, model.mlp_bias = biases >> 1;
        assert_int_equal(model_shape_resolve(&model, &err), 0);
        struct layout *layout = layout_new(&model);
        assert_int_equal(layout_find(layout, "layers.0.attn.qkv.weight")->rows, 40 + 2 * 20);
        assert_int_equal(layout_find(layout, "layers.0.attn.out.weight")->columns, 40);
        static const char *const names[] = {"attn.qkv", "attn.out", "mlp.up", "mlp.down"};
        const size_t sizes[] = {80, 32, 80, 32};
        for (int i = 0; i < 4; i++) {
            assert_int_equal(layout_has(layout, "layers.0.%s.bias", names[i]), biases >> i / 2 & 1);
            if (!layout_has(layout, "layers.0.%s.bias", names[i]))
                continue;
            const struct tensor *t = layout_find(layout, "layers.0.%s.bias", names[i]);
            assert_int_equal(t->rows, sizes[i]);
            assert_int_equal(t->n_dims, 1);
            assert_false(t->decay);
        }
        assert_false(layout_has(layout, "layers.0.norm1.bias"));
        layout_free(layout);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt2_124m_has_its_known_number_of_parameters),
        cmocka_unit_test(a_llama_has_the_biases_and_the_heads_that_are_asked_for),
        cmocka_unit_test(tensors_and_blocks_cover_the_flat_array_without_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
