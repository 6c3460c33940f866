/* What a hypothesis is tried by. */
#include "tests/unit/coordinator/run/run_support.h"

#include "coordinator/gate/plan.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/train/context.h"
#include "coordinator/train/roster.h"
#include "coordinator/train/trial.h"

#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

/* A run of 1000 steps of 32 samples of 256 tokens, without a hypothesis. */
struct scene {
    struct run run;
    Trireme__Segment segment, *segments[1];
    double weight;
    struct roster roster;
    uint64_t gate_samples;
    struct trial *trunk;
    struct journal *journal;
    struct context context;
};

static Trireme__Config *changed(const Trireme__Config *config, const char *setting)
{
    struct err err;
    char *settings[] = {(char *)setting};
    Trireme__Config *after = run_config_change(config, settings, setting ? 1 : 0, &err);
    if (!after)
        fail_msg("%s", err.text);
    return after;
}

static void begin(struct scene *scene, const struct place *p, const char *setting)
{
    struct err err;
    *scene = (struct scene){.gate_samples = 100000, .weight = 1};
    trireme__segment__init(&scene->segment);
    scene->segment.weights = &scene->weight, scene->segment.n_weights = 1;
    scene->segments[0] = &scene->segment;
    scene->run.segments = scene->segments, scene->run.n_segments = 1;
    Trireme__Config *config = config_of("train.steps=1000");
    scene->run.config = changed(config, setting);
    message_free(config);
    scene->roster = (struct roster){.n_sources = 1, .gate_samples = &scene->gate_samples};
    scene->trunk = trial_new(0, "trunk", changed(scene->run.config, NULL), NULL, 0,
                             (struct position){0}, run_config_step_tokens(scene->run.config), 1, 0);
    assert_int_equal(file_make_dirs(p->run, ERR_USAGE, &err), 0);
    scene->journal = journal_open(p->run, 0, NULL, NULL, &err);
    assert_non_null(scene->journal);
    scene->context = (struct context){.run = &scene->run,
                                      .roster = &scene->roster,
                                      .journal = scene->journal,
                                      .trunk = &scene->trunk};
}

static uint64_t tokens_left(const struct scene *scene)
{
    return plan_tokens_left(context_history(&scene->context), scene->run.config,
                            scene->trunk->config);
}

static void end(struct scene *scene)
{
    journal_free(scene->journal);
    trial_free(scene->trunk);
    message_free(scene->run.config);
}

static void tell(struct scene *scene, const char *yaml)
{
    struct err err = {.text = ""};
    Trireme__Record *record = message_new(&trireme__record__descriptor);
    if (yaml_read(record, yaml, strlen(yaml), "record", ERR_USAGE, &err) < 0 ||
        journal_write(scene->journal, record, record->kind, record->number, record->step,
                      record->by, &err) < 0)
        fail_msg("%s", err.text);
    message_free(record);
}

static int make(struct scene *scene, Trireme__Plan *plan, uint64_t step, bool slow,
                const char *patch, struct err *err)
{
    Trireme__Config *after = changed(scene->trunk->config, patch);
    int rc = plan_make(&scene->context, plan, step, slow, after, err);
    message_free(after);
    return rc;
}

static Trireme__Plan made(struct scene *scene, uint64_t step, bool slow, const char *patch)
{
    struct err err;
    Trireme__Plan plan;
    if (make(scene, &plan, step, slow, patch, &err) < 0)
        fail_msg("%s", err.text);
    return plan;
}

static void a_hypothesis_begins_at_the_next_multiple_of_twenty_after_the_first_eighth(void **state)
{
    static const struct {
        uint64_t step, start;
    } cases[] = {
        {0,   140},
        {139, 140},
        {140, 160},
        {150, 160},
        {160, 180},
    };
    struct scene scene;
    begin(&scene, *state, "gate.share=100");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(made(&scene, cases[i].step, false, NULL).start, cases[i].start);
    end(&scene);
    begin(&scene, *state, "schedule.warmup=201");
    assert_int_equal(made(&scene, 0, false, NULL).start, 220);
    end(&scene);
}

static void slow_stretches_are_longer_and_have_tails(void **state)
{
    struct scene scene;
    begin(&scene, *state, "gate.share=100");
    Trireme__Plan fast = made(&scene, 200, false, NULL), slow = made(&scene, 200, true, NULL);
    assert_int_equal(fast.start, 220);
    assert_int_equal(fast.horizon, 27);
    assert_int_equal(fast.tail, 0);
    assert_int_equal(fast.pairs, 8);
    assert_int_equal(slow.horizon, 55);
    assert_int_equal(slow.tail, 27);
    assert_int_equal(slow.pairs, 8);
    end(&scene);
}

/* 1000 - 420 steps have room for five stretches of 105, 1000 - 500 for four of 125, 1000 - 520 for
 * three of 130. */
static void
pairs_are_even_in_number_and_a_hypothesis_for_which_four_do_not_fit_is_refused(void **state)
{
    struct scene scene;
    Trireme__Plan plan;
    struct err err = {0};
    begin(&scene, *state, "gate.share=100");
    assert_int_equal(made(&scene, 400, true, NULL).horizon, 105);
    assert_int_equal(made(&scene, 400, true, NULL).pairs, 4);
    assert_int_equal(made(&scene, 480, true, NULL).pairs, 4);
    assert_int_equal(make(&scene, &plan, 500, true, NULL, &err), -1);
    assert_string_equal(
        err.text,
        "too late in the run: found 2 pairs of 130 steps from step 520 on, expected at least 4");
    end(&scene);
}

static void stretches_and_tails_are_whole_steps_of_the_fork_too(void **state)
{
    static const struct {
        const char *patch;
        uint64_t horizon, tail;
    } cases[] = {
        {"train.batch=32",   55, 27},
        {"train.batch=64",   56, 28},
        {"train.batch=96",   57, 30},
        {"train.batch=48",   57, 30}, // 3 steps of 32 are 2 of 48
        {"train.batch=16",   55, 27},
        {"train.context=64", 55, 27},
    };
    struct scene scene;
    begin(&scene, *state, "gate.share=100");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trireme__Plan plan = made(&scene, 200, true, cases[i].patch);
        if (plan.horizon != cases[i].horizon || plan.tail != cases[i].tail)
            fail_msg("%s: found %llu and %llu steps, expected %llu and %llu", cases[i].patch,
                     (unsigned long long)plan.horizon, (unsigned long long)plan.tail,
                     (unsigned long long)cases[i].horizon, (unsigned long long)cases[i].tail);
    }
    end(&scene);
}

/* A step of the trunk has 81920 tokens. */
static void steps_of_less_than_an_eighth_of_the_tokens_are_refused(void **state)
{
    static const struct {
        const char *patch;
        unsigned tokens;
        bool refused;
    } cases[] = {
        {"train.batch=44",   11264, false},
        {"train.batch=40",   10240, false},
        {"train.batch=36",   9216,  true },
        {"train.batch=4",    1024,  true },
        {"train.context=32", 10240, false},
        {"train.context=16", 5120,  true },
    };
    struct scene scene;
    begin(&scene, *state, "train.batch=320");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trireme__Plan plan;
        struct err err = {.text = ""};
        int rc = make(&scene, &plan, 100, false, cases[i].patch, &err);
        if (rc != (cases[i].refused ? -1 : 0))
            fail_msg("%s: found %d: %s", cases[i].patch, rc, err.text);
        if (!cases[i].refused)
            continue;
        char *sentence = mem_format(
            "found steps of %u tokens, expected at least an eighth of the 81920 that a step "
            "has now: each updates all weights",
            cases[i].tokens);
        assert_int_equal(err.code, ERR_USAGE);
        assert_string_equal(err.text, sentence);
        free(sentence);
    }
    end(&scene);
}

static void the_error_budget_grows_with_promotions_and_is_spent_after_its_hypotheses(void **state)
{
    struct scene scene;
    Trireme__Plan plan;
    struct err err = {0};
    begin(&scene, *state, "gate.hypotheses=2");
    assert_true(made(&scene, 0, false, NULL).alpha == 0.05);
    tell(&scene, "{kind: proposal, number: 1, step: 1, proposal: {patch: {optimizer.lr: 0.01}}}");
    tell(&scene,
         "{kind: hypothesis, number: 1, step: 1, plan: {start: 140, horizon: 20, pairs: 8}}");
    tell(&scene,
         "{kind: promotion, number: 1, step: 200, promotion: {patch: {optimizer.lr: 0.01}}}");
    assert_true(made(&scene, 200, false, NULL).alpha == 0.1);
    tell(&scene, "{kind: proposal, number: 2, step: 201, proposal: {patch: {optimizer.clip: 2}}}");
    tell(&scene,
         "{kind: hypothesis, number: 2, step: 201, plan: {start: 220, horizon: 20, pairs: 8}}");
    assert_int_equal(make(&scene, &plan, 210, false, NULL, &err), -1);
    assert_contains(err.text, "error budget spent: this run has tried its 2 hypotheses");
    end(&scene);
}

/* Half of 1000 steps; a fast pair at step 220 has 27 steps and reads 216 windows an arm, of which a
 * third counts. */
static void a_hypothesis_must_have_tokens_for_four_pairs_beside_those_that_others_need(void **state)
{
    const uint64_t step_tokens = 32 * 256, pair = 27 * step_tokens + 2 * 216 * 256 / 3;
    struct scene scene;
    Trireme__Plan plan;
    struct err err = {0};
    begin(&scene, *state, NULL);
    assert_int_equal(tokens_left(&scene), 500 * step_tokens);
    plan = made(&scene, 200, false, NULL);
    assert_int_equal(plan.windows, 216);
    assert_int_equal(plan_pair_tokens(scene.trunk->config, &plan), pair);
    tell(&scene, "{kind: proposal, number: 1, step: 200, proposal: {patch: {optimizer.clip: 2}}}");
    tell(&scene, "{kind: validation, number: 1, step: 200, validation: {accepted: true}}");
    tell(&scene, "{kind: hypothesis, number: 1, step: 200, plan: {start: 220, horizon: 27, pairs: "
                 "8, windows: 216}}");
    assert_int_equal(tokens_left(&scene), 500 * step_tokens - 4 * pair);
    tell(&scene, "{kind: observation, number: 1, step: 247, observation: {pair: 0, tokens: 1000}}");
    assert_int_equal(tokens_left(&scene), 500 * step_tokens - 3 * pair - 1000);
    tell(&scene,
         "{kind: observation, number: 1, step: 274, observation: {pair: 1, tokens: 2000000}}");
    assert_int_equal(tokens_left(&scene), 500 * step_tokens - 2 * pair - 2001000);
    assert_int_equal(make(&scene, &plan, 274, true, NULL, &err), -1);
    assert_contains(err.text, "token budget: 4 pairs take ");
    end(&scene);
}

static void tokens_are_the_share_of_those_of_the_training(void **state)
{
    (void)state;
    const struct history none = {0}, all_spent = {.tokens = UINT64_MAX};
    Trireme__Config *config = message_new(&trireme__config__descriptor);
    assert_true(plan_tokens_left(&none, config, config) == 500ull * 32 * 256 / 2);
    assert_true(plan_tokens_left(&all_spent, config, config) == 0);
    config->train->context = 64;
    assert_true(plan_tokens_left(&none, config, config) == 500ull * 32 * 64 / 2);
    config->train->steps = 1000000000, config->train->batch = 1048576,
    config->train->context = 1048576;
    assert_true(plan_tokens_left(&none, config, config) == 1000000000000000000ull);
    message_free(config);
}

static void a_plan_says_for_what_alone_its_verdict_holds(void **state)
{
    struct scene scene;
    begin(&scene, *state, NULL);
    scene.gate_samples = 8 * 216;
    assert_null(made(&scene, 200, false, NULL).holds_for);
    scene.gate_samples = 8 * 216 - 1;
    assert_contains(made(&scene, 200, false, NULL).holds_for, "this gate text");
    end(&scene);
    begin(&scene, *state, "data.order=sequential");
    assert_contains(made(&scene, 200, false, NULL).holds_for, "this order of the data");
    end(&scene);
}

static void reverse_pairs_have_the_tokens_of_the_forward_ones_and_must_fit(void **state)
{
    static const struct {
        const char *before;
        uint64_t horizon, tail;
    } cases[] = {
        {"optimizer.lr=0.1", 60,  30},
        {"train.batch=64",   120, 60},
        {"train.batch=16",   30,  15},
    };
    struct scene scene;
    begin(&scene, *state, NULL);
    Trireme__Plan forward = TRIREME__PLAN__INIT, plan;
    forward.horizon = 60, forward.tail = 30, forward.pairs = 8, forward.margin = 0.5;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trireme__Config *before = changed(scene.run.config, cases[i].before);
        assert_true(plan_reverse(&scene.context, &plan, 400, &forward, before));
        assert_true(plan.reverse && plan.start == 400 && plan.pairs == 4 && plan.margin == 0.5);
        assert_int_equal(plan.horizon, cases[i].horizon);
        assert_int_equal(plan.tail, cases[i].tail);
        uint64_t last = 1000 - 4 * cases[i].horizon;
        assert_true(plan_reverse(&scene.context, &plan, last, &forward, before));
        assert_false(plan_reverse(&scene.context, &plan, last + 1, &forward, before));
        message_free(before);
    }
    end(&scene);
    begin(&scene, *state, "gate.confirm=false");
    assert_false(plan_reverse(&scene.context, &plan, 400, &forward, scene.run.config));
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_hypothesis_begins_at_the_next_multiple_of_twenty_after_the_first_eighth),
        test(slow_stretches_are_longer_and_have_tails),
        test(pairs_are_even_in_number_and_a_hypothesis_for_which_four_do_not_fit_is_refused),
        test(stretches_and_tails_are_whole_steps_of_the_fork_too),
        test(steps_of_less_than_an_eighth_of_the_tokens_are_refused),
        test(the_error_budget_grows_with_promotions_and_is_spent_after_its_hypotheses),
        test(a_hypothesis_must_have_tokens_for_four_pairs_beside_those_that_others_need),
        cmocka_unit_test(tokens_are_the_share_of_those_of_the_training),
        test(a_plan_says_for_what_alone_its_verdict_holds),
        test(reverse_pairs_have_the_tokens_of_the_forward_ones_and_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
