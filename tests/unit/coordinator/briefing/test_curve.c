#include "tests/unit/coordinator/briefing/briefing_fixture.h"

#include "coordinator/briefing/curve.h"
#include "proto/schema/message.h"

#include <math.h>

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
        assert_in_range(b->n_curve, 1, 12);
        assert_true(steps < 6 ? b->n_curve == steps : b->n_curve >= 6);
        uint64_t before = 0;
        for (size_t i = 0; i < b->n_curve; i++) {
            const Trireme__CurvePoint *p = b->curve[i];
            assert_true(p->step > before && p->loss == (double)(before + 1 + p->step) / 2);
            assert_int_equal(p->tokens, 100 * p->step);
            assert_true(i == 0 || i + 1 == b->n_curve || p->step - before == b->curve[0]->step);
            before = p->step;
        }
        assert_true(before == steps && b->tok_per_s == 200);
        assert_true(fabs(b->lr * (double)steps / 1e-3 - 1) < 1e-3);
        message_free(b);
        curve_free(curve);
    }
    message_free(config);
}

static void an_evaluation_has_the_tokens_and_the_mean_training_loss_before_it(void **state)
{
    (void)state;
    struct curve *curve = curve_new();
    size_t n = 0;
    add_eval_line(curve, 0, 9);
    for (uint64_t i = 1; i <= 96; i++) {
        add_train_line(curve, i, (double)i);
        if (i == 2 || i == 80)
            add_eval_line(curve, i, 3);
    }
    const struct curve_eval *evals = curve_evals(curve, &n);
    assert_int_equal(n, 3);
    assert_true(evals[0].tokens == 0 && isnan(evals[0].train));
    assert_true(evals[1].tokens == 200 && evals[1].train == 1.5);
    assert_true(evals[2].tokens == 8000 && evals[2].train == 70.5); // of 61 to 80
    assert_int_equal(evals[2].step, 80);
    assert_true(evals[2].line->sources[0]->val_loss == 4);
    curve_free(curve);
}

static void the_last_steps_are_at_most_a_hundred_and_know_what_trained_beside_them(void **state)
{
    (void)state;
    struct curve *curve = curve_new();
    struct curve_step steps[CURVE_RECENT];
    Trireme__TrainLine fork = TRIREME__TRAIN_LINE__INIT;
    fork.trial = (char *)"h3.0", fork.tokens = 100;
    assert_int_equal(curve_recent(curve, steps), 0);
    for (uint64_t i = 1; i <= 250; i++) {
        fork.step = i;
        if (i > 240)
            curve_train(curve, &fork);
        add_train_line(curve, i, (double)i);
    }
    assert_int_equal(curve_recent(curve, steps), 100);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(steps[i].step, 151 + i);
        assert_int_equal(steps[i].beside, steps[i].step > 240);
    }
    curve_free(curve);
}

/* Leads at the last 20 common steps: 0.1, 0.3, 0.1, 0.3, ... */
static void the_lead_of_a_fork_is_of_the_last_steps_that_both_have(void **state)
{
    (void)state;
    struct curve *curve = curve_new();
    double mean = 0, error = 0;
    Trireme__TrainLine fork = TRIREME__TRAIN_LINE__INIT, other = TRIREME__TRAIN_LINE__INIT;
    fork.trial = (char *)"h3.1", fork.tokens = 100;
    other.trial = (char *)"h4.0", other.tokens = 50; // steps of another size
    for (uint64_t i = 1; i <= 60; i++) {
        add_train_line(curve, i, 5);
        if (i <= 30)
            continue;
        fork.step = other.step = i;
        fork.loss = i <= 40 ? 100 : 5 - (i % 2 ? 0.1 : 0.3);
        curve_train(curve, &fork);
        curve_train(curve, &other);
    }
    fork.step = 61, fork.loss = -100; // the trunk is not there yet
    curve_train(curve, &fork);
    assert_int_equal(curve_lead(curve, &mean, &error, "h3.1"), 19);
    // 42 to 60: ten times 0.3, nine times 0.1
    assert_true(fabs(mean - 3.9 / 19) < 1e-9);
    assert_true(fabs(error - 0.0235376) < 1e-6);
    assert_int_equal(curve_lead(curve, &mean, &error, "h4.0"), 0);
    assert_int_equal(curve_lead(curve, &mean, &error, "h9.0"), 0);
    curve_free(curve);
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
    assert_true(b->curve[0]->loss == 4 && b->n_dev == 0);
    message_free(b);
    curve_free(curve);
    message_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_curve_is_equal_stretches_and_ends_now),
        cmocka_unit_test(an_evaluation_has_the_tokens_and_the_mean_training_loss_before_it),
        cmocka_unit_test(the_last_steps_are_at_most_a_hundred_and_know_what_trained_beside_them),
        cmocka_unit_test(the_lead_of_a_fork_is_of_the_last_steps_that_both_have),
        cmocka_unit_test(lines_of_forks_and_of_steps_that_are_known_count_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
