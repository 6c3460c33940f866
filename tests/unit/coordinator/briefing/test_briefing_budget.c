/* What a trial costs, and when the last one can begin. Numbers by hand: 1800 steps of 16 x 64
 * tokens; a stretch from step 50 on has 10 steps, tails of 5, and reads 64 windows, so an arm costs
 * 15 steps and 64 * 64 / 3 tokens, the trunk's tail and reading 5 steps and as much. */
#include "tests/unit/coordinator/briefing/briefing_fixture.h"

enum { STEP = 16 * 64, STEPS = 1800 };

static Trireme__Config *config_new(void)
{
    const char *settings[] = {"data.sources.0.path=a", "data.sources.1.path=b",
                              "train.batch=16",        "model.context=64",
                              "train.steps=1800",      "schedule.warmup=45"};
    return fixture_config_of(settings, sizeof settings / sizeof *settings);
}

static Trireme__Briefing *brief(const Trireme__Config *config, const struct history *history,
                                uint64_t step, uint32_t windows_max)
{
    struct curve *curve = curve_new();
    Trireme__TrainLine line = TRIREME__TRAIN_LINE__INIT;
    for (line.step = 1; line.step <= step; line.step++) {
        line.tokens = STEP, line.seconds = 1;
        curve_train(curve, &line);
    }
    const struct briefing_input input = {.config = config,
                                         .asked = config,
                                         .history = history,
                                         .curve = curve,
                                         .step = step,
                                         .windows_max = windows_max};
    Trireme__Briefing *b = briefing_make(&input);
    curve_free(curve);
    return b;
}

static void a_trial_costs_what_its_stretch_does(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    const struct history none = {0};
    Trireme__Briefing *b = brief(config, &none, 20, 0);
    const Trireme__Price *first = b->budget->prices[0];
    assert_int_equal(b->budget->next_start, 50); // warmup, rounded up
    assert_int_equal(first->start, 50);
    assert_int_equal(first->plain_steps, 10);
    assert_int_equal(first->plain_more, 16726);          // 15 * 1024 + 1365.3
    assert_int_equal(first->plain_tokens, 16726 + 6485); // 16725.3 + 6485.3, up
    assert_int_equal(first->calm_steps, 13);             // a quarter of 50, up
    assert_int_equal(first->calm_more, 27990);           // 26 * 1024 + 1365.3
    assert_int_equal(first->calm_tokens, 27990 + 14677);
    assert_int_equal(b->tokens_left, (uint64_t)(0.033 * STEPS * STEP));
    assert_int_equal(b->budget->reserved, 0);
    message_free(b);
    message_free(config);
}

/* From 150 on: 25 steps, 13, 100 windows: 56,490.7 tokens of 60,825; from 160 on 27, 14, 108. Calm
 * from 70 on: 18, 18, 72: 58,368. */
static void the_last_call_is_the_last_step_that_the_stake_can_pay(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    struct history history = {0};
    Trireme__Briefing *b = brief(config, &history, 20, 0);
    assert_int_equal(b->budget->last_plain, 150);
    assert_int_equal(b->budget->last_calm, 70);
    const Trireme__Price *last = b->budget->prices[b->budget->n_prices - 1];
    assert_int_equal(last->start, 150);
    assert_int_equal(last->plain_tokens, 56491);
    assert_false(last->has_calm_tokens);
    message_free(b);
    b = brief(config, &history, 155, 0);
    assert_false(b->budget->has_last_plain || b->budget->has_last_calm);
    assert_int_equal(b->budget->n_prices, 0);
    message_free(b);
    history.since = history.spent = 20000;
    b = brief(config, &history, 20, 0);
    assert_int_equal(b->budget->last_plain, 100);
    message_free(b);
    message_free(config);
}

static void after_six_tenths_of_the_run_nothing_is_tried(void **state)
{
    (void)state;
    const char *settings[] = {"data.sources.0.path=a", "train.steps=1000", "gate.stake=0.4",
                              "gate.share=0.4",        "train.batch=16",   "model.context=64"};
    Trireme__Config *config = fixture_config_of(settings, sizeof settings / sizeof *settings);
    const struct history none = {0};
    Trireme__Briefing *b = brief(config, &none, 400, 0);
    assert_int_equal(b->budget->last_plain, 600);
    assert_int_equal(b->budget->last_calm, 500); // 125, 125, 500 windows: 395.8 steps of 400
    message_free(b);
    b = brief(config, &none, 600, 0);
    assert_false(b->budget->has_last_plain);
    message_free(b);
    message_free(config);
}

static void a_stretch_under_way_reserves_itself_and_the_next_begins_where_it_ends(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    Trireme__Arm watch = TRIREME__ARM__INIT, arm = TRIREME__ARM__INIT, *arms[] = {&watch, &arm};
    Trireme__Proposal proposal = TRIREME__PROPOSAL__INIT;
    watch.reverse = watch.has_reverse = 1;
    watch.number = 1, arm.number = 2;
    Trireme__Stretch stretch = TRIREME__STRETCH__INIT;
    stretch.horizon = 10, stretch.tail = 5, stretch.windows = 64, stretch.step_tokens = STEP;
    stretch.arms = arms, stretch.n_arms = 2;
    struct entry entries[] = {
        {.number = 1, .fate = FATE_ADOPTED, .proposal = &proposal, .in_stretch = true},
        {.number = 2, .fate = FATE_OPEN,    .proposal = &proposal, .in_stretch = true},
    };
    const struct history history = {
        .stretch = &stretch, .stretch_start = 50, .entries = entries, .n = 2};
    Trireme__Briefing *b = brief(config, &history, 53, 0);
    assert_int_equal(b->budget->reserved, 39936); // 2 arms of 16725.3, 6485.3
    assert_int_equal(b->budget->next_start, 60);
    assert_int_equal(b->upcoming->decision, 60);
    assert_int_equal(b->tokens_left, 40857); // .033 * 1800 * 1024 less one arm and half of the rest
    assert_int_equal(b->budget->last_plain, 100);
    message_free(b);
    entries[1].in_stretch = false; // it was ended: the watch alone goes on
    b = brief(config, &history, 53, 0);
    assert_int_equal(b->budget->reserved, 23210); // 1 arm of 16725.3, 6485.3
    assert_int_equal(b->tokens_left, 60825);      // .033 * 1800 * 1024: it is nobody's at stake
    message_free(b);
    message_free(config);
}

static void a_small_gate_part_makes_a_trial_cheaper(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    const struct history none = {0};
    Trireme__Briefing *b = brief(config, &none, 20, 48);
    assert_int_equal(b->budget->prices[0]->plain_more, 15 * STEP + 48 * 64 / 3);
    message_free(b);
    message_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trial_costs_what_its_stretch_does),
        cmocka_unit_test(the_last_call_is_the_last_step_that_the_stake_can_pay),
        cmocka_unit_test(after_six_tenths_of_the_run_nothing_is_tried),
        cmocka_unit_test(a_stretch_under_way_reserves_itself_and_the_next_begins_where_it_ends),
        cmocka_unit_test(a_small_gate_part_makes_a_trial_cheaper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
