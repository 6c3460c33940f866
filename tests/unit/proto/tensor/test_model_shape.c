#include "tests/unit/support.h"

#include "proto/tensor/model_flops.h"
#include "proto/tensor/model_shape.h"

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

/* A llama of 4 heads and width 24. */
static Trireme__Model llama(void)
{
    Trireme__Model model = TRIREME__MODEL__INIT;
    model.arch = TRIREME__MODEL__ARCH__llama;
    model.heads = 4, model.width = 24;
    return model;
}

static void check_refused(Trireme__Model model, const char *sentence)
{
    struct err err;
    if (model_shape_resolve(&model, &err) == 0)
        fail_msg("taken, expected a refusal with \"%s\"", sentence);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, sentence);
}

static void what_only_llama_has_is_refused_of_gpt2(void **state)
{
    (void)state;
    Trireme__Model model = TRIREME__MODEL__INIT;
    model.head_dim = 32;
    check_refused(model, "model.head_dim: found with arch gpt2, expected arch llama");
    model = (Trireme__Model)TRIREME__MODEL__INIT;
    model.attention_bias = 1;
    check_refused(model, "model.attention_bias: found with arch gpt2");
    model = (Trireme__Model)TRIREME__MODEL__INIT;
    model.mlp_bias = 1;
    check_refused(model, "model.mlp_bias: found with arch gpt2");
    model = (Trireme__Model)TRIREME__MODEL__INIT;
    model.rope_type = TRIREME__MODEL__ROPE_TYPE__linear, model.rope_factor = 2;
    check_refused(model, "model.rope_type: found with arch gpt2");
}

static void a_rotary_type_has_the_numbers_that_it_needs_and_no_other(void **state)
{
    (void)state;
    struct err err;
    Trireme__Model model = llama();
    model.rope_factor = 2;
    check_refused(model, "model.rope_factor: found a value with model.rope_type default, expected "
                         "none");
    model.rope_type = TRIREME__MODEL__ROPE_TYPE__linear;
    assert_int_equal(model_shape_resolve(&model, &err), 0);
    model.rope_low_freq_factor = 1;
    check_refused(model, "model.rope_low_freq_factor: found a value with model.rope_type linear");
    model.rope_type = TRIREME__MODEL__ROPE_TYPE__llama3;
    check_refused(model, "model.rope_high_freq_factor: found none with model.rope_type llama3, "
                         "expected a number");
    model.rope_high_freq_factor = 1;
    check_refused(model, "model.rope_original_context: found none");
    model.rope_original_context = 256;
    check_refused(model, "model.rope_high_freq_factor: found 1, expected more than "
                         "model.rope_low_freq_factor = 1");
    model.rope_high_freq_factor = 4;
    check_refused(model, "model.rope_original_context: found 256, expected less than model.context "
                         "= 256: llama3 would stretch nothing");
    model.rope_original_context = 255;
    assert_int_equal(model_shape_resolve(&model, &err), 0);
}

static void what_says_nothing_is_taken_back(void **state)
{
    (void)state;
    struct err err;
    Trireme__Model said = llama(), plain = llama();
    said.has_head_dim = 1, said.head_dim = 6;
    said.has_attention_bias = said.has_mlp_bias = said.has_rope_type = 1;
    assert_int_equal(model_shape_resolve(&said, &err), 0);
    assert_int_equal(model_shape_resolve(&plain, &err), 0);
    assert_memory_equal(&said, &plain, sizeof said);
    assert_int_equal(model_shape_head(&said), 6);
}

static void heads_of_a_width_of_their_own_need_not_divide_the_models(void **state)
{
    (void)state;
    struct err err;
    Trireme__Model model = llama();
    model.heads = 5;
    check_refused(model, "model.heads: found 5, expected a number that divides model.width = 24");
    model.head_dim = 7;
    check_refused(model, "model.head_dim: found 7, expected an even number");
    model.head_dim = 8;
    assert_int_equal(model_shape_resolve(&model, &err), 0);
    assert_int_equal(model_shape_head(&model), 8);
}

static void flops_count_the_heads_that_are_there(void **state)
{
    (void)state;
    struct err err;
    Trireme__Model model = llama();
    model.layers = 1, model.kv_heads = 2, model.head_dim = 8, model.ffn = 40, model.context = 16,
    model.vocab = 10, model.attention_bias = 1;
    assert_int_equal(model_shape_resolve(&model, &err), 0);
    double multiply = (32 + 2 * 16) * 24 + 24 * 32 + 3 * 40 * 24 + 10 * 24;
    assert_true(model_flops_per_token(&model) == 6 * multiply + 6.0 * 32 * 16);
}

static void flops_of_a_token_follow_the_contract(void **state)
{
    (void)state;
    // 6 layers, width 384, vocab 256, context 256, tied head
    Trireme__Model model = TRIREME__MODEL__INIT;
    struct err err;
    assert_int_equal(model_shape_resolve(&model, &err), 0);
    double multiply = 6.0 * (12.0 * 384 * 384) + 256.0 * 384;
    assert_true(model_flops_per_token(&model) == 6 * multiply + 6.0 * 6 * 384 * 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_that_do_not_fit_are_refused_with_the_field),
        cmocka_unit_test(what_only_llama_has_is_refused_of_gpt2),
        cmocka_unit_test(a_rotary_type_has_the_numbers_that_it_needs_and_no_other),
        cmocka_unit_test(what_says_nothing_is_taken_back),
        cmocka_unit_test(heads_of_a_width_of_their_own_need_not_divide_the_models),
        cmocka_unit_test(flops_count_the_heads_that_are_there),
        cmocka_unit_test(flops_of_a_token_follow_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
