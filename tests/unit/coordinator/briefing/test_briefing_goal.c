/* The goal, the sources, the last steps and the outlook, with numbers by hand. */
#include "tests/unit/coordinator/briefing/briefing_fixture.h"

#include <math.h>

static void assert_near(const char *what, double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-3 * fabs(expected) + 1e-12))
        fail_msg("%s: found %.9g, expected %.9g", what, found, expected);
}
#define ASSERT_NEAR(found, expected) assert_near(#found, found, expected)

enum { STEP_TOKENS = 32 * 256 };

/* Three sources; one and two count, 3 to 1; three has most samples. */
static Trireme__Config *config_new(void)
{
    const char *settings[] = {
        "data.sources.0.path=a", "data.sources.0.name=one",   "data.sources.0.weight=1",
        "data.sources.1.path=b", "data.sources.1.name=two",   "data.sources.1.weight=0.5",
        "data.sources.2.path=c", "data.sources.2.name=three", "data.sources.2.weight=2.5",
        "gate.weights.0=3",      "gate.weights.1=1",          "gate.weights.2=0",
        "optimizer.clip=1",
    };
    return fixture_config_of(settings, sizeof settings / sizeof *settings);
}

static void add_eval(struct curve *curve, uint64_t step, double one, double two, double three)
{
    Trireme__SourceLoss losses[3], *list[3];
    static const char *const names[] = {"one", "two", "three"};
    const double values[] = {one, two, three};
    for (size_t i = 0; i < 3; i++) {
        trireme__source_loss__init(&losses[i]);
        losses[i].name = (char *)names[i], losses[i].val_loss = values[i];
        list[i] = &losses[i];
    }
    Trireme__EvalLine line = TRIREME__EVAL_LINE__INIT;
    line.step = step, line.val_loss = (one + two + three) / 3;
    line.sources = list, line.n_sources = 3;
    curve_eval(curve, &line);
}

/* Trains up to a step with that loss. */
static void train(struct curve *curve, uint64_t from, uint64_t to, double loss)
{
    Trireme__TrainLine line = TRIREME__TRAIN_LINE__INIT;
    for (line.step = from; line.step <= to; line.step++) {
        line.loss = loss, line.tokens = STEP_TOKENS, line.seconds = 0.5;
        line.grad_norm = line.step % 4 ? 0.8 : 1.5;
        curve_train(curve, &line);
    }
}

static Trireme__Briefing *brief(const Trireme__Config *config, const struct curve *curve,
                                uint64_t step, const double *goal, const double *epochs)
{
    const struct history none = {0};
    const struct briefing_input input = {.config = config,
                                         .asked = config,
                                         .history = &none,
                                         .curve = curve,
                                         .step = step,
                                         .goal = goal,
                                         .epochs = epochs};
    return briefing_make(&input);
}

static void the_goal_is_the_mean_at_its_weights_and_falls_by_steps_and_by_tokens(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    struct curve *curve = curve_new();
    const double epochs[] = {0.25, (double)NAN, 2};
    train(curve, 1, 100, 5);
    add_eval(curve, 100, 3, 4, 5.5);
    train(curve, 101, 150, 5);
    add_eval(curve, 150, 2, 3.5, 5.544);
    Trireme__Briefing *b = brief(config, curve, 150, NULL, epochs);
    ASSERT_NEAR(b->goal->loss, 2.375); // (3 * 2 + 3.5) / 4; before: 3.25
    assert_int_equal(b->goal->step, 150);
    ASSERT_NEAR(b->goal->falls_in_100_steps, 1.75);
    ASSERT_NEAR(b->goal->falls_in_a_million_tokens, 0.875e6 / (50 * STEP_TOKENS));
    ASSERT_NEAR(b->goal->guessing, 5.545177444); // ln 256
    assert_int_equal(b->n_sources, 3);
    const Trireme__SourceState *one = b->sources[0], *two = b->sources[1], *three = b->sources[2];
    assert_string_equal(three->name, "three");
    ASSERT_NEAR(one->counts, 0.75);
    ASSERT_NEAR(two->counts, 0.25);
    assert_true(three->counts == 0 && three->has_counts);
    ASSERT_NEAR(one->share, 0.25);
    ASSERT_NEAR(three->share, 0.625);
    ASSERT_NEAR(two->val_loss, 3.5);
    ASSERT_NEAR(two->before, 4);
    ASSERT_NEAR(one->epochs, 0.25);
    assert_false(two->has_epochs);
    assert_true(!one->guessing && !two->guessing && three->guessing);
    message_free(b);
    curve_free(curve);
    message_free(config);
}

static void where_no_weights_are_set_the_goal_is_the_shares_at_the_start(void **state)
{
    (void)state;
    Trireme__Config *config = fixture_config("optimizer.clip=0");
    struct curve *curve = curve_new();
    const double shares[] = {1, 3};
    Trireme__Briefing *b = brief(config, curve, 0, shares, NULL);
    ASSERT_NEAR(b->sources[1]->counts, 0.75);
    ASSERT_NEAR(b->sources[1]->share, 0.5);
    assert_false(b->goal->has_loss);
    message_free(b);
    curve_free(curve);
    message_free(config);
}

static void a_source_that_still_falls_from_the_level_of_guessing_is_not_said_to_guess(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    struct curve *curve = curve_new();
    train(curve, 1, 10, 5);
    add_eval(curve, 10, 5.6, 5.6, 5.6);
    Trireme__Briefing *b = brief(config, curve, 10, NULL, NULL);
    assert_false(b->sources[0]->guessing); // nothing is known of its fall
    message_free(b);
    train(curve, 11, 20, 5);
    add_eval(curve, 20, 5.53, 5.599, 5.4);
    b = brief(config, curve, 20, NULL, NULL);
    assert_true(!b->sources[0]->guessing && b->sources[1]->guessing && !b->sources[2]->guessing);
    message_free(b);
    curve_free(curve);
    message_free(config);
}

/* Losses 6 - step/100 with +-.1 in turn; every fourth norm is 1.5, above clip 1. */
static void the_last_steps_tell_trend_noise_spikes_norm_and_clipped_share(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    struct curve *curve = curve_new();
    Trireme__TrainLine line = TRIREME__TRAIN_LINE__INIT;
    for (line.step = 1; line.step <= 200; line.step++) {
        line.loss = 6 - (double)line.step / 100 + (line.step % 2 ? 0.1 : -0.1);
        line.loss += line.step == 150 ? 5 : 0;
        line.grad_norm = line.step % 4 ? 0.8 : 1.5, line.tokens = STEP_TOKENS, line.lr = 1e-3;
        curve_train(curve, &line);
    }
    Trireme__Briefing *b = brief(config, curve, 200, NULL, NULL);
    const Trireme__RecentSteps *r = b->recent;
    assert_int_equal(r->steps, 100);
    ASSERT_NEAR(r->loss, 6 - 1.905); // mean of 181 to 200
    assert_true(fabs(r->falls_in_100_steps - 1) < 0.05);
    assert_int_equal(r->spikes, 1);
    assert_true(r->noise > 0.4 && r->noise < 0.6); // 5 once in a hundred: .5
    ASSERT_NEAR(r->grad_norm, 0.8);
    ASSERT_NEAR(r->clipped, 0.25);
    assert_false(r->has_gap);
    message_free(b);
    curve_free(curve);
    message_free(config);
}

static void overfitting_shows_as_a_growing_gap_at_the_present_shares(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    struct curve *curve = curve_new();
    train(curve, 1, 50, 4);
    add_eval(curve, 50, 4, 4, 4.16);
    train(curve, 51, 100, 3);
    add_eval(curve, 100, 4, 4, 4.16);
    Trireme__Briefing *b = brief(config, curve, 100, NULL, NULL);
    ASSERT_NEAR(b->recent->gap_before, 0.1); // .25 * 4 + .125 * 4 + .625 * 4.16 - 4
    ASSERT_NEAR(b->recent->gap, 1.1);
    ASSERT_NEAR(b->dev[1]->train, 3);
    message_free(b);
    curve_free(curve);
    message_free(config);
}

/* On the line 8 - .5 ln(tokens) all is exact; off it by +-d in turn the residuals are the width. */
static void the_outlook_is_a_line_over_the_logarithm_of_tokens(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    struct curve *curve = curve_new();
    add_eval(curve, 0, 9, 9, 9); // before the first token: counts for nothing
    for (uint64_t i = 1; i <= 8; i++) {
        train(curve, 10 * i - 9, 10 * i, 5);
        const double loss = 8 - 0.5 * log((double)(10 * i) * STEP_TOKENS);
        add_eval(curve, 10 * i, loss + (i <= 4), loss + (i <= 4), 7);
    }
    Trireme__Briefing *b = brief(config, curve, 80, NULL, NULL);
    assert_non_null(b->outlook);
    assert_int_equal(b->outlook->points, 4);
    assert_int_equal(b->outlook->tokens, 500 * STEP_TOKENS);
    const double expected = 8 - 0.5 * log(500.0 * STEP_TOKENS);
    ASSERT_NEAR(b->outlook->slope, -0.5);
    ASSERT_NEAR(b->outlook->loss, expected);
    ASSERT_NEAR(b->outlook->low, expected);
    ASSERT_NEAR(b->outlook->high, expected);
    message_free(b);
    curve_free(curve);
    curve = curve_new();
    for (uint64_t i = 1; i <= 2; i++) {
        train(curve, 10 * i - 9, 10 * i, 5);
        add_eval(curve, 10 * i, 4, 4, 7);
    }
    b = brief(config, curve, 20, NULL, NULL);
    assert_null(b->outlook); // two points have no residuals
    message_free(b);
    curve_free(curve);
    message_free(config);
}

static void of_many_evaluations_the_last_four_are_told_and_four_before(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    struct curve *curve = curve_new();
    for (uint64_t i = 1; i <= 24; i++) {
        train(curve, i, i, 5);
        add_eval(curve, i, 4, 4, (double)i);
    }
    Trireme__Briefing *b = brief(config, curve, 24, NULL, NULL);
    static const uint64_t steps[] = {1, 6, 11, 16, 21, 22, 23, 24};
    assert_int_equal(b->n_dev, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(b->dev[i]->step, steps[i]);
        assert_int_equal(b->dev[i]->tokens, steps[i] * STEP_TOKENS);
        assert_true(b->dev[i]->by_source[2] == (double)steps[i] && b->dev[i]->goal == 4);
    }
    message_free(b);
    curve_free(curve);
    message_free(config);
}

/* 100 samples of the first segment, then 60 of the second, a quarter of them of the first source:
 * 40 + 15 samples of half a window of 256 tokens, of 70,400 tokens in two files. */
static void epochs_are_what_the_order_gave_over_what_there_is(void **state)
{
    (void)state;
    Trireme__Config *config = fixture_config("data.sources.0.name=one");
    double weights[] = {1, 3}, epochs[2];
    uint64_t cursors[] = {40, 60};
    Trireme__Segment first = TRIREME__SEGMENT__INIT, last = TRIREME__SEGMENT__INIT,
                     *segments[] = {&first, &last};
    first.weights = last.weights = weights, first.n_weights = last.n_weights = 2;
    last.first_sample = 100, last.cursors = cursors, last.n_cursors = 2, last.parts = 2;
    Trireme__ReadFile files[3], *list[3];
    for (size_t i = 0; i < 3; i++) {
        trireme__read_file__init(&files[i]);
        files[i].source = (char *)"one", files[i].tokens = 35200;
        list[i] = &files[i];
    }
    files[2].use = TRIREME__READ_FILE__USE__validation;
    Trireme__RunData data = TRIREME__RUN_DATA__INIT;
    data.files = list, data.n_files = 3;
    briefing_epochs(epochs, config, segments, 2, 160, &data);
    ASSERT_NEAR(epochs[0], 55 * 128 / 70400.0);
    assert_true(isnan(epochs[1]));
    briefing_epochs(epochs, config, segments, 2, 160, NULL);
    assert_true(isnan(epochs[0]));
    message_free(config);
}

static void time_is_told_alone_beside_trials_and_held(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    struct curve *curve = curve_new();
    Trireme__TrainLine line = TRIREME__TRAIN_LINE__INIT, fork = TRIREME__TRAIN_LINE__INIT;
    fork.trial = (char *)"h1.0";
    for (line.step = 1; line.step <= 10; line.step++) {
        line.seconds = line.step <= 6 ? 0.5 : 2;
        line.has_held_seconds = line.step == 4, line.held_seconds = line.step == 4 ? 3 : 0;
        line.tokens = fork.tokens = STEP_TOKENS, fork.step = line.step;
        if (line.step > 6)
            curve_train(curve, &fork);
        curve_train(curve, &line);
    }
    Trireme__Briefing *b = brief(config, curve, 10, NULL, NULL);
    ASSERT_NEAR(b->speed->alone, 0.5);
    ASSERT_NEAR(b->speed->beside, 2);
    ASSERT_NEAR(b->speed->held, 3);
    ASSERT_NEAR(b->speed->left, 490 * 1.4); // (6 * .5 + 4 * 2 + 3) / 10 a step
    message_free(b);
    curve_free(curve);
    message_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_goal_is_the_mean_at_its_weights_and_falls_by_steps_and_by_tokens),
        cmocka_unit_test(where_no_weights_are_set_the_goal_is_the_shares_at_the_start),
        cmocka_unit_test(a_source_that_still_falls_from_the_level_of_guessing_is_not_said_to_guess),
        cmocka_unit_test(the_last_steps_tell_trend_noise_spikes_norm_and_clipped_share),
        cmocka_unit_test(overfitting_shows_as_a_growing_gap_at_the_present_shares),
        cmocka_unit_test(the_outlook_is_a_line_over_the_logarithm_of_tokens),
        cmocka_unit_test(of_many_evaluations_the_last_four_are_told_and_four_before),
        cmocka_unit_test(epochs_are_what_the_order_gave_over_what_there_is),
        cmocka_unit_test(time_is_told_alone_beside_trials_and_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
