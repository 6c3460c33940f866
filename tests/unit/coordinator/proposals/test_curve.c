#include "tests/unit/coordinator/proposals/proposals_fixture.h"

#include "coordinator/proposals/curve.h"
#include "proto/schema/message.h"

static void add_train_line(struct curve *curve, uint64_t step, double loss)
{
    Trireme__TrainLine line = TRIREME__TRAIN_LINE__INIT;
    line.step = step, line.loss = loss, line.lr = 1e-3 / (double)step, line.tokens = 100,
    line.seconds = 0.5;
    curve_train(curve, &line);
}

static void add_eval_line(struct curve *curve, uint64_t step, double loss)
{
    Trireme__SourceLoss source = TRIREME__SOURCE_LOSS__INIT, *sources[] = {&source};
    Trireme__EvalLine line = TRIREME__EVAL_LINE__INIT;
    source.name = (char *)"books", source.val_loss = loss + 1;
    line.step = step, line.val_loss = loss;
    line.sources = sources, line.n_sources = 1;
    curve_eval(curve, &line);
}

static void the_curve_is_equal_stretches_and_ends_now(void **state)
{
    (void)state;
    Trireme__Config *config = fixture_config(NULL);
    for (uint64_t steps = 1; steps <= 1000; steps = steps < 30 ? steps + 1 : steps * 3) {
        struct curve *curve = curve_new();
        for (uint64_t i = 1; i <= steps; i++)
            add_train_line(curve, i, (double)i);
        Trireme__Briefing *b = fixture_briefing(config, NULL, curve, 2);
        assert_in_range(b->n_curve, 1, 24);
        assert_true(steps < 12 ? b->n_curve == steps : b->n_curve >= 12);
        uint64_t before = 0;
        for (size_t i = 0; i < b->n_curve; i++) {
            const Trireme__CurvePoint *p = b->curve[i];
            assert_true(p->step > before && p->loss == (double)(before + 1 + p->step) / 2);
            assert_true(i == 0 || i + 1 == b->n_curve || p->step - before == b->curve[0]->step);
            assert_false(p->has_val_loss);
            before = p->step;
        }
        assert_true(before == steps && b->lr == 1e-3 / (double)steps && b->tok_per_s == 200);
        message_free(b);
        curve_free(curve);
    }
    message_free(config);
}

static void a_point_has_the_last_evaluation_by_then(void **state)
{
    (void)state;
    Trireme__Config *config = fixture_config(NULL);
    struct curve *curve = curve_new();
    for (uint64_t i = 1; i <= 96; i++) {
        add_train_line(curve, i, 1);
        if (i == 40 || i == 42 || i == 80)
            add_eval_line(curve, i, (double)i);
    }
    Trireme__Briefing *b = fixture_briefing(config, NULL, curve, 2);
    for (size_t i = 0; i < b->n_curve; i++) {
        const Trireme__CurvePoint *p = b->curve[i];
        double expected = p->step < 40 ? 0 : p->step < 42 ? 40 : p->step < 80 ? 42 : 80;
        assert_int_equal(p->has_val_loss, expected > 0);
        assert_true(p->val_loss == expected);
    }
    assert_int_equal(b->n_sources, 1);
    assert_string_equal(b->sources[0]->name, "books");
    assert_true(b->sources[0]->val_loss == 81);
    message_free(b);
    curve_free(curve);
    message_free(config);
}

static void lines_of_forks_and_of_steps_that_are_known_count_for_nothing(void **state)
{
    (void)state;
    Trireme__Config *config = fixture_config(NULL);
    struct curve *curve = curve_new();
    add_train_line(curve, 1, 4);
    add_train_line(curve, 1, 100);
    Trireme__TrainLine fork = TRIREME__TRAIN_LINE__INIT;
    Trireme__EvalLine fork_eval = TRIREME__EVAL_LINE__INIT;
    fork.trial = fork_eval.trial = (char *)"3";
    fork.step = 2, fork.loss = 100, fork_eval.val_loss = 100;
    curve_train(curve, &fork);
    curve_eval(curve, &fork_eval);
    Trireme__Briefing *b = fixture_briefing(config, NULL, curve, 2);
    assert_int_equal(b->n_curve, 1);
    assert_true(b->curve[0]->loss == 4 && !b->curve[0]->has_val_loss);
    message_free(b);
    curve_free(curve);
    message_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_curve_is_equal_stretches_and_ends_now),
        cmocka_unit_test(a_point_has_the_last_evaluation_by_then),
        cmocka_unit_test(lines_of_forks_and_of_steps_that_are_known_count_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
