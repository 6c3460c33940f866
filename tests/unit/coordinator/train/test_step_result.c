#include "tests/unit/support.h"

#include "base/random.h"
#include "coordinator/train/step_result.h"
#include "proto/schema/message.h"

#include <math.h>

enum { LEAVES = 7, BLOCKS = 5 };

static const double losses[LEAVES] = {1e16, 1, -1e16, 3.3, 1e-9, 7, 1.1},
                    squares[BLOCKS] = {1e12, 1e-7, 3, 1e3, 0.1};

static void check_totals(struct step_result *c)
{
    double loss = 0, square = 0;
    for (size_t i = 0; i < LEAVES; i++)
        loss += losses[i];
    for (size_t i = 0; i < BLOCKS; i++)
        square += squares[i];
    assert_true(step_result_is_complete(c));
    assert_true(step_result_loss(c) == loss && step_result_norm(c) == sqrt(square));
}

static void a_step_is_complete_with_all_leaves_and_blocks_in_any_order(void **state)
{
    (void)state;
    struct err err;
    struct step_result *c = step_result_new(LEAVES, BLOCKS);
    for (uint64_t round = 0; round < 50; round++) {
        step_result_begin(c);
        bool there[LEAVES] = {0};
        for (size_t n = 0, i = 0; n < LEAVES; i++) {
            size_t leaf = random_u64(round, i) % LEAVES;
            if (there[leaf])
                continue;
            there[leaf] = true;
            assert_false(step_result_is_complete(c));
            assert_int_equal(step_result_add_losses(c, leaf, losses + leaf, 1, &err), 0);
            n++;
        }
        assert_false(step_result_is_complete(c));
        size_t cut = round % (BLOCKS + 1);
        assert_int_equal(step_result_add_squares(c, cut, squares + cut, BLOCKS - cut, &err), 0);
        assert_int_equal(step_result_add_squares(c, 0, squares, cut, &err), 0);
        check_totals(c);
    }
    step_result_free(c);
}

static void what_comes_twice_or_from_outside_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct err err;
    struct step_result *c = step_result_new(LEAVES, BLOCKS);
    const double wrong[LEAVES + 1] = {9, 9, 9, 9, 9, 9, 9, 9};
    step_result_begin(c);
    assert_int_equal(step_result_add_losses(c, 2, losses + 2, 3, &err), 0);
    assert_int_equal(step_result_add_losses(c, 0, wrong, 3, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_string_equal(err.text, "the loss of leaf 2 came twice");
    assert_int_equal(step_result_add_losses(c, 5, wrong, 3, &err), -1);
    assert_contains(err.text, "of a step that has 7");
    assert_int_equal(step_result_add_losses(c, SIZE_MAX, wrong, 3, &err), -1);
    assert_int_equal(step_result_add_losses(c, 3, wrong, SIZE_MAX - 1, &err), -1);
    assert_int_equal(step_result_add_losses(c, 0, losses, 2, &err), 0);
    assert_int_equal(step_result_add_losses(c, 5, losses + 5, 2, &err), 0);
    assert_int_equal(step_result_add_squares(c, 0, squares, BLOCKS, &err), 0);
    assert_int_equal(step_result_add_squares(c, 4, wrong, 1, &err), -1);
    assert_string_equal(err.text, "the norm of block 4 came twice");
    check_totals(c);
    step_result_free(c);
}

static void the_gradient_is_clipped_as_torch_does(void **state)
{
    (void)state;
    Trireme__Config *config = message_new(&trireme__config__descriptor);
    Trireme__StepDecision decision;
    Trireme__TrainLine line;
    struct err err;
    assert_int_equal(step_result_decide(&decision, &line, config, 0, 3e-4, 2.5, 4, &err), 0);
    assert_true(decision.scale == (float)(1 / (4 + 1e-6)));
    assert_true(line.loss == 2.5 && line.grad_norm == 4 && line.step == 1 &&
                line.lr == decision.lr);
    assert_true(decision.lr == 3e-4);
    assert_int_equal(line.tokens, 32 * 256);
    assert_int_equal(step_result_decide(&decision, &line, config, 0, 3e-4, 2.5, 0.5, &err), 0);
    assert_true(decision.scale == 1);
    config->optimizer->clip = 0;
    assert_int_equal(step_result_decide(&decision, &line, config, 0, 3e-4, 2.5, 1e9, &err), 0);
    assert_true(decision.scale == 1);
    message_free(config);
}

static void what_is_not_finite_is_divergence(void **state)
{
    (void)state;
    Trireme__Config *config = message_new(&trireme__config__descriptor);
    Trireme__StepDecision decision;
    Trireme__TrainLine line;
    const double bad[][2] = {
        {NAN,      1       },
        {1,        NAN     },
        {INFINITY, 1       },
        {1,        INFINITY}
    };
    for (size_t i = 0; i < 4; i++) {
        struct err err = {0};
        assert_int_equal(
            step_result_decide(&decision, &line, config, 6, 3e-4, bad[i][0], bad[i][1], &err), -1);
        assert_int_equal(err.code, ERR_TRAIN);
        assert_contains(err.text, "step 7: the loss is");
        assert_contains(err.text, "training has diverged");
    }
    message_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_complete_with_all_leaves_and_blocks_in_any_order),
        cmocka_unit_test(what_comes_twice_or_from_outside_is_refused_and_changes_nothing),
        cmocka_unit_test(the_gradient_is_clipped_as_torch_does),
        cmocka_unit_test(what_is_not_finite_is_divergence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
