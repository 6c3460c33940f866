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
        cmocka_unit_test(flops_of_a_token_follow_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
