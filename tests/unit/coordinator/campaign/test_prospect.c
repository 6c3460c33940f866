/* What lies ahead of a run. Numbers by hand: 1800 steps of 16 x 64 tokens, of which hypotheses may
 * cost 60,825.6 and all experiments 460,800. A plain stretch from step 50 on has 10 steps, tails of
 * 5, and reads 64 windows, so an arm costs 15 steps and 64 * 64 / 3 tokens, the trunk's tail and
 * reading 5 steps and as much. */
#include "tests/unit/support.h"

#include "base/mem.h"
#include "coordinator/campaign/prospect.h"
#include "coordinator/ledger/history.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

enum { STEP = 16 * 64, STEPS = 1800 };
static const double READING = 64 * 64 / 3.0;

static Trireme__Config *config_new(const char *more)
{
    const char *settings[] = {"data.sources.0.path=a", "train.batch=16",     "model.context=64",
                              "train.steps=1800",      "schedule.warmup=45", more};
    struct err err;
    Trireme__Config *config = run_config_read(NULL, (char *const *)settings, more ? 6 : 5, &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

/* A run at that step; its trunk trained all of its steps. */
static struct prospect at_step(const Trireme__Config *config, const struct history *history,
                               uint64_t step)
{
    return prospect_of(config, config, history, step, step * STEP, 0);
}

static void assert_tokens(double found, double expected)
{
    if (found < expected - 0.01 || found > expected + 0.01)
        fail_msg("found %.3f tokens, expected %.3f", found, expected);
}

static void assert_refused(int rc, const struct err *err, const char *sentence)
{
    assert_int_equal(rc, -1);
    assert_int_equal(err->code, ERR_USAGE);
    assert_string_equal(err->text, sentence);
}

static void a_change_costs_what_its_stretch_does(void **state)
{
    (void)state;
    const struct history none = {0};
    Trireme__Config *config = config_new(NULL), *calm = config_new("optimizer.lr=0.0001"),
                    *large = config_new("train.batch=32"), *windows = config_new("gate.windows=6");
    const struct prospect p = at_step(config, &none, 20);
    assert_int_equal(prospect_next_start(&p), 50); // warmup, rounded up

    struct prospect_change change = {.step_tokens = STEP};
    struct prospect_price price = prospect_price(&p, &change, 50);
    assert_int_equal(price.stretch.horizon, 10);
    assert_int_equal(price.stretch.tail, 5);
    assert_tokens(price.more, 15 * STEP + READING);
    assert_tokens(price.tokens, 20 * STEP + 2 * READING);

    change = prospect_change_of(&p, calm, false);
    assert_int_equal(change.kind.kind, STRETCH_CALM);
    price = prospect_price(&p, &change, 50);
    assert_int_equal(price.stretch.horizon, 13); // a quarter of 50, up
    assert_int_equal(price.stretch.tail, 13);
    assert_tokens(price.tokens, 39 * STEP + 2 * READING);

    const struct prospect few = at_step(windows, &none, 20);
    assert_tokens(prospect_price(&few, &change, 50).more, 26 * STEP + 6 * 64 / 3.0);

    change = (struct prospect_change){.step_tokens = run_config_step_tokens(large)};
    price = prospect_price(&p, &change, 50); // in whole steps of twice the size
    assert_int_equal(price.stretch.horizon, 10);
    assert_int_equal(price.stretch.tail, 6);
    assert_tokens(price.tokens, 22 * STEP + 2 * READING);
    message_free(windows);
    message_free(large);
    message_free(calm);
    message_free(config);
}

static void a_planners_last_call_is_set_by_the_stake_and_a_persons_by_the_time(void **state)
{
    (void)state;
    const struct history none = {0};
    Trireme__Config *config = config_new(NULL);
    const struct prospect p = at_step(config, &none, 20);
    struct prospect_change change = {.step_tokens = STEP};
    assert_int_equal(prospect_last_start(&p, &change, 50), 150);
    change.person = true;
    assert_int_equal(prospect_last_start(&p, &change, 50), 1080); // 399,360 tokens of 460,800
    assert_int_equal(prospect_last_start(&p, &change, 1090), 0);
    message_free(config);
}

/* From 50 and 60 on: 23,210.7 each; from 70 on 12, 6, 64: 27,306.7, too much for the stake. */
static void decisions_follow_each_other_as_long_as_time_tokens_and_pairs_allow(void **state)
{
    (void)state;
    const struct history none = {0};
    Trireme__Config *config = config_new(NULL);
    const struct prospect p = at_step(config, &none, 20);
    uint64_t steps[10];
    struct prospect_change change = {.step_tokens = STEP};
    assert_int_equal(prospect_decisions(steps, 10, &p, &change, 50), 2);
    assert_int_equal(steps[0], 60);
    assert_int_equal(steps[1], 70);
    change.person = true;
    const uint64_t expected[] = {60, 70, 82, 96, 112, 131};
    assert_int_equal(prospect_decisions(steps, 10, &p, &change, 50), 6);
    assert_memory_equal(steps, expected, sizeof expected);
    assert_int_equal(prospect_decisions(steps, 3, &p, &change, 50), 3);
    assert_int_equal(prospect_decisions(steps, 10, &p, &change, 1090), 0);
    message_free(config);
}

static void a_stretch_under_way_is_paid_first_and_makes_the_trunk_shorter(void **state)
{
    (void)state;
    Trireme__Config *config = config_new(NULL);
    Trireme__Arm watch = TRIREME__ARM__INIT, arm = TRIREME__ARM__INIT, *arms[] = {&watch, &arm};
    watch.reverse = watch.has_reverse = 1;
    watch.number = 1, arm.number = 2;
    char by[] = "planner script uid 1 pid 2";
    struct entry entries[] = {
        {.number = 1, .fate = FATE_ADOPTED, .in_stretch = true, .by = by},
        {.number = 2, .fate = FATE_OPEN,    .in_stretch = true, .by = by},
    };
    Trireme__Stretch stretch = TRIREME__STRETCH__INIT;
    stretch.horizon = 11, stretch.tail = 5, stretch.windows = 64, stretch.step_tokens = STEP;
    stretch.arms = arms, stretch.n_arms = 2;
    const struct history history = {
        .stretch = &stretch, .stretch_start = 50, .entries = entries, .n = 2};
    struct prospect p = at_step(config, &history, 53);
    assert_int_equal(prospect_next_start(&p), 61); // where it ends; the trunk alone: at 60
    assert_int_equal(prospect_boundary(&p, 53), 60);
    assert_int_equal(p.length, STEPS);
    assert_tokens(p.reserved.spent, 2 * (16 * STEP + READING) + 5 * STEP + READING);
    assert_tokens(p.reserved.since, 16 * STEP + READING + (5 * STEP + READING) / 2);
    assert_int_equal(prospect_after(&p).length, STEPS - 41); // 41,984 tokens, 37 steps and 4 of it
    stretch.has_length = 1, stretch.length = 1790;           // what was planned as it began
    assert_int_equal(at_step(config, &history, 53).length, 1790);

    // where the second ends here for another, its rest comes back and what it cost stays spent
    assert_int_equal(prospect_arm_spent(&p, &entries[1], 53, TRIREME__CAUSE__replaced), 3 * STEP);
    assert_int_equal(prospect_returns(&p, &entries[1], 53),
                     (uint64_t)(16 * STEP + READING) - 3 * STEP);
    const struct prospect instead = prospect_instead(&p, &entries[1], 53);
    assert_tokens(instead.reserved.spent, 16 * STEP + READING + 5 * STEP + READING + 3 * STEP);
    assert_tokens(instead.reserved.since, 3 * STEP); // the watch is nobody's at stake
    assert_tokens(prospect_instead(&p, NULL, 53).reserved.spent, p.reserved.spent);
    message_free(config);
}

/* A planner's, one that was killed, and a person's. */
static void who_has_left_a_stretch_reserves_nothing_and_a_persons_arm_is_not_at_stake(void **state)
{
    (void)state;
    Trireme__Config *config = config_new(NULL);
    char planner[] = "planner script uid 1 pid 2", person[] = "person uid 1 pid 3";
    Trireme__Arm arm[3], *arms[3];
    struct entry entries[3];
    for (uint32_t i = 0; i < 3; i++) {
        trireme__arm__init(arms[i] = &arm[i]);
        arm[i].number = i + 1;
        entries[i] = (struct entry){.number = i + 1,
                                    .fate = FATE_OPEN,
                                    .in_stretch = i != 1,
                                    .by = i == 2 ? person : planner};
    }
    arm[2].person = true;
    entries[1].fate = FATE_CLOSED;
    Trireme__Stretch stretch = TRIREME__STRETCH__INIT;
    stretch.horizon = 11, stretch.tail = 5, stretch.windows = 64, stretch.step_tokens = STEP;
    stretch.arms = arms, stretch.n_arms = 3;
    const struct history history = {
        .stretch = &stretch, .stretch_start = 50, .entries = entries, .n = 3};
    const double own = 16 * STEP + READING, fixed = 5 * STEP + READING;
    struct prospect p = at_step(config, &history, 53);
    assert_tokens(p.reserved.spent, 2 * own + fixed);
    assert_tokens(p.reserved.since, own + fixed / 2);
    const struct prospect instead = prospect_instead(&p, &entries[2], 53);
    assert_tokens(instead.reserved.spent, own + fixed + 3 * STEP);
    assert_tokens(instead.reserved.since, own + fixed);

    // who is ended where the trunk waits for tails pays for its own, the last one for the trunk's
    p = at_step(config, &history, 61);
    assert_int_equal(prospect_arm_spent(&p, &entries[0], 60, TRIREME__CAUSE__killed), 10 * STEP);
    assert_int_equal(prospect_arm_spent(&p, &entries[0], 61, TRIREME__CAUSE__killed),
                     (uint64_t)own);
    assert_int_equal(prospect_arm_spent(&p, &entries[0], 61, TRIREME__CAUSE__memory), 11 * STEP);
    entries[2].in_stretch = false;
    assert_int_equal(prospect_arm_spent(&p, &entries[0], 61, TRIREME__CAUSE__killed),
                     (uint64_t)(own + fixed));
    message_free(config);
}

static void where_a_stretch_has_just_ended_the_next_begins_at_once(void **state)
{
    (void)state;
    Trireme__Config *config = config_new(NULL);
    struct history history = {.ended_at = 61, .stretch_end = 61};
    struct prospect p = at_step(config, &history, 61);
    assert_int_equal(prospect_next_start(&p), 61);
    history.stretch_end = 63; // it was ended before its time
    assert_int_equal(prospect_next_start(&p), 70);
    history.changed_at = 61; // because the recipe changed
    assert_int_equal(prospect_next_start(&p), 61);
    p = at_step(config, &history, 62);
    assert_int_equal(prospect_next_start(&p), 70);
    message_free(config);
}

static void what_cannot_be_tried_is_refused_with_the_number_that_is_expected(void **state)
{
    (void)state;
    struct history history = {0};
    Trireme__Cause cause;
    struct err err;
    Trireme__Config *config = config_new(NULL), *small = message_copy(config);
    struct prospect p = at_step(config, &history, 20);
    assert_int_equal(prospect_check(&p, 20, config, false, &cause, &err), 0);
    assert_refused(prospect_check(&p, 155, config, false, &cause, &err), &err,
                   "a stretch of it from step 160 on takes 60928 tokens, which a run of 1800 steps "
                   "cannot pay for: expected at least 1804 steps (gate.stake, gate.share)");
    assert_int_equal(prospect_check(&p, 155, config, true, &cause, &err), 0);
    small->train->batch = small->train->microbatch = 1;
    assert_refused(prospect_check(&p, 20, small, false, &cause, &err), &err,
                   "found steps of 64 tokens, expected at least an eighth of the 1024 that a step "
                   "has now: each updates all weights");
    history.since = history.spent = 20000;
    p = at_step(config, &history, 20);
    assert_refused(prospect_check(&p, 100, config, false, &cause, &err), &err,
                   "token budget: a stretch of it takes 43179 tokens, and experiments may cost "
                   "40826 more (gate.stake, gate.share)");
    assert_int_equal(cause, TRIREME__CAUSE__money);
    history = (struct history){.registered = config->gate->hypotheses};
    p = at_step(config, &history, 20);
    char *used_up = mem_format("this run has tried its %u hypotheses (gate.hypotheses)",
                               config->gate->hypotheses);
    assert_refused(prospect_check(&p, 20, config, false, &cause, &err), &err, used_up);
    assert_int_equal(cause, TRIREME__CAUSE__unfit);
    free(used_up);
    history.registered = 0;
    p = at_step(config, &history, 1080);
    assert_refused(prospect_check(&p, 1080, config, false, &cause, &err), &err,
                   "too late in the run: a stretch of it begins at step 1090 and takes 273, "
                   "expected to begin by step 1080 and to end by 1800");
    assert_int_equal(cause, TRIREME__CAUSE__time);
    message_free(small);
    message_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_costs_what_its_stretch_does),
        cmocka_unit_test(a_planners_last_call_is_set_by_the_stake_and_a_persons_by_the_time),
        cmocka_unit_test(decisions_follow_each_other_as_long_as_time_tokens_and_pairs_allow),
        cmocka_unit_test(a_stretch_under_way_is_paid_first_and_makes_the_trunk_shorter),
        cmocka_unit_test(who_has_left_a_stretch_reserves_nothing_and_a_persons_arm_is_not_at_stake),
        cmocka_unit_test(where_a_stretch_has_just_ended_the_next_begins_at_once),
        cmocka_unit_test(what_cannot_be_tried_is_refused_with_the_number_that_is_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
