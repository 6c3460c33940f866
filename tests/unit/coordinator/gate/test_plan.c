/* The plan of a hypothesis: its pairs, its tokens, its error budget. */
#include "tests/unit/coordinator/ledger/record_fixture.h"
#include "tests/unit/coordinator/run/run_dir.h"

#include "coordinator/gate/gate.h"
#include "coordinator/gate/plan.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/train/context.h"
#include "coordinator/train/roster.h"
#include "coordinator/train/trial.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

/* A run of 1000 steps of 32 samples of 256 tokens, without a hypothesis. */
struct fixture {
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

static void fixture_init(struct fixture *f, const struct run_dir *dir, const char *setting)
{
    struct err err;
    *f = (struct fixture){.gate_samples = 100000, .weight = 1};
    trireme__segment__init(&f->segment);
    f->segment.weights = &f->weight, f->segment.n_weights = 1;
    f->segments[0] = &f->segment;
    f->run.segments = f->segments, f->run.n_segments = 1;
    Trireme__Config *config = run_dir_config("train.steps=1000");
    f->run.config = changed(config, setting);
    message_free(config);
    f->roster = (struct roster){.n_sources = 1, .gate_samples = &f->gate_samples};
    f->trunk = trial_new(0, "trunk", changed(f->run.config, NULL), NULL, 0, (struct position){0},
                         run_config_step_tokens(f->run.config), 1, 0);
    assert_int_equal(file_make_dirs(dir->run, ERR_USAGE, &err), 0);
    f->journal = journal_open(dir->run, 0, NULL, NULL, &err);
    assert_non_null(f->journal);
    f->context = (struct context){
        .run = &f->run, .roster = &f->roster, .journal = f->journal, .trunk = &f->trunk};
}

static uint64_t tokens_left(const struct fixture *f)
{
    return plan_tokens_left(context_history(&f->context), f->run.config, f->trunk->config);
}

static void fixture_clear(struct fixture *f)
{
    journal_free(f->journal);
    trial_free(f->trunk);
    message_free(f->run.config);
}

static void add_record(struct fixture *f, const char *yaml)
{
    struct err err;
    Trireme__Record *record = record_fixture(yaml);
    if (journal_write(f->journal, record, record->kind, record->number, record->step, record->by,
                      &err) < 0)
        fail_msg("%s", err.text);
    message_free(record);
}

static int try_plan(struct fixture *f, Trireme__Plan *plan, uint64_t step, bool slow,
                    const char *patch, struct err *err)
{
    Trireme__Config *after = changed(f->trunk->config, patch);
    int rc = plan_make(&f->context, plan, step, slow, after, err);
    message_free(after);
    return rc;
}

static Trireme__Plan plan_of(struct fixture *f, uint64_t step, bool slow, const char *patch)
{
    struct err err;
    Trireme__Plan plan;
    if (try_plan(f, &plan, step, slow, patch, &err) < 0)
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
    struct fixture f;
    fixture_init(&f, *state, "gate.share=100");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(plan_of(&f, cases[i].step, false, NULL).start, cases[i].start);
    fixture_clear(&f);
    fixture_init(&f, *state, "schedule.warmup=201");
    assert_int_equal(plan_of(&f, 0, false, NULL).start, 220);
    fixture_clear(&f);
}

static void slow_stretches_are_longer_and_have_tails(void **state)
{
    struct fixture f;
    fixture_init(&f, *state, "gate.share=100");
    Trireme__Plan fast = plan_of(&f, 200, false, NULL), slow = plan_of(&f, 200, true, NULL);
    assert_int_equal(fast.start, 220);
    assert_int_equal(fast.horizon, 27);
    assert_int_equal(fast.tail, 0);
    assert_int_equal(fast.pairs, 8);
    assert_int_equal(slow.horizon, 55);
    assert_int_equal(slow.tail, 27);
    assert_int_equal(slow.pairs, 8);
    fixture_clear(&f);
}

/* 1000 - 420 steps have room for five stretches of 105, 1000 - 500 for four of 125, 1000 - 520 for
 * three of 130. */
static void
pairs_are_even_in_number_and_a_hypothesis_for_which_four_do_not_fit_is_refused(void **state)
{
    struct fixture f;
    Trireme__Plan plan;
    struct err err = {0};
    fixture_init(&f, *state, "gate.share=100");
    assert_int_equal(plan_of(&f, 400, true, NULL).horizon, 105);
    assert_int_equal(plan_of(&f, 400, true, NULL).pairs, 4);
    assert_int_equal(plan_of(&f, 480, true, NULL).pairs, 4);
    assert_int_equal(try_plan(&f, &plan, 500, true, NULL, &err), -1);
    assert_string_equal(
        err.text,
        "too late in the run: found 2 pairs of 130 steps from step 520 on, expected at least 4");
    fixture_clear(&f);
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
    struct fixture f;
    fixture_init(&f, *state, "gate.share=100");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trireme__Plan plan = plan_of(&f, 200, true, cases[i].patch);
        if (plan.horizon != cases[i].horizon || plan.tail != cases[i].tail)
            fail_msg("%s: found %llu and %llu steps, expected %llu and %llu", cases[i].patch,
                     (unsigned long long)plan.horizon, (unsigned long long)plan.tail,
                     (unsigned long long)cases[i].horizon, (unsigned long long)cases[i].tail);
    }
    fixture_clear(&f);
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
    struct fixture f;
    fixture_init(&f, *state, "train.batch=320");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trireme__Plan plan;
        struct err err = {.text = ""};
        int rc = try_plan(&f, &plan, 100, false, cases[i].patch, &err);
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
    fixture_clear(&f);
}

static void the_error_budget_grows_with_promotions_and_is_spent_after_its_hypotheses(void **state)
{
    struct fixture f;
    Trireme__Plan plan;
    struct err err = {0};
    fixture_init(&f, *state, "gate.hypotheses=2");
    assert_true(plan_of(&f, 0, false, NULL).alpha == 0.05);
    add_record(&f, "{kind: proposal, number: 1, step: 1, proposal: {patch: {optimizer.lr: 0.01}}}");
    add_record(&f,
               "{kind: hypothesis, number: 1, step: 1, plan: {start: 140, horizon: 20, pairs: 8}}");
    add_record(&f,
               "{kind: promotion, number: 1, step: 200, promotion: {patch: {optimizer.lr: 0.01}}}");
    assert_true(plan_of(&f, 200, false, NULL).alpha == 0.1);
    add_record(&f,
               "{kind: proposal, number: 2, step: 201, proposal: {patch: {optimizer.clip: 2}}}");
    add_record(
        &f, "{kind: hypothesis, number: 2, step: 201, plan: {start: 220, horizon: 20, pairs: 8}}");
    assert_int_equal(try_plan(&f, &plan, 210, false, NULL, &err), -1);
    assert_contains(err.text, "error budget spent: this run has tried its 2 hypotheses");
    fixture_clear(&f);
}

static void hypotheses_that_were_not_promoted_earn_no_budget(void **state)
{
    struct fixture f;
    fixture_init(&f, *state, "gate.hypotheses=10");
    for (unsigned n = 1; n <= 3; n++) {
        char *proposal = mem_format("{kind: proposal, number: %u, step: 1, proposal: {patch: "
                                    "{optimizer.lr: 0.0%u}}}",
                                    n, n),
             *plan = mem_format("{kind: hypothesis, number: %u, step: 1, plan: {start: 140, "
                                "horizon: 20, pairs: 8}}",
                                n);
        add_record(&f, proposal);
        add_record(&f, plan);
        free(plan);
        free(proposal);
    }
    assert_true(plan_of(&f, 0, false, NULL).alpha == gate_alpha(0.1, 10, 0));
    add_record(&f,
               "{kind: promotion, number: 2, step: 200, promotion: {patch: {optimizer.lr: 0.02}}}");
    assert_true(plan_of(&f, 200, false, NULL).alpha == gate_alpha(0.1, 10, 1));
    fixture_clear(&f);
}

/* Three hypotheses with so many pairs each, in a run whose trunk is at step 220 + 4 * 27. */
static void pairs_that_others_have_begun_are_reserved_up_to_their_next_look(void **state)
{
    (void)state;
    Trireme__Config *config = run_dir_config("train.steps=1000");
    Trireme__Plan plan = TRIREME__PLAN__INIT;
    plan.start = 220, plan.horizon = 27, plan.windows = 216;
    const uint64_t pair = plan_pair_tokens(config, &plan);
    static const struct {
        uint32_t asks;
        size_t n_pairs[3];
        uint64_t step, reserved; /* in pairs */
    } cases[] = {
        {1, {4, 4, 4}, 328, 0}, // nobody has begun the fifth
        {2, {4, 4, 4}, 328, 2}, // the first has
        {3, {4, 4, 4}, 328, 4},
        {1, {4, 4, 4}, 329, 4}, // all have, before this step
        {1, {5, 5, 5}, 355, 2}, // all need the sixth
        {3, {5, 5, 5}, 355, 2},
        {3, {6, 5, 6}, 382, 3}, // the first has begun the seventh
        {2, {3, 4, 3}, 328, 0}, // those stand in what is left
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry entries[3];
        for (uint32_t e = 0; e < 3; e++)
            entries[e] = (struct entry){
                .number = e + 1,
                .fate = FATE_OPEN,
                .forward = {.plan = &plan, .n_pairs = cases[i].n_pairs[e]},
            };
        struct history history = {.entries = entries, .n = 3};
        uint64_t found = plan_committed_tokens(&history, config, cases[i].asks, cases[i].step);
        if (found != cases[i].reserved * pair)
            fail_msg("case %zu: found %llu tokens, expected %llu pairs of %llu", i,
                     (unsigned long long)found, (unsigned long long)cases[i].reserved,
                     (unsigned long long)pair);
    }
    message_free(config);
}

static void a_verdict_holds_for_this_text_once_all_hypotheses_read_more_than_it_has(void **state)
{
    struct fixture f;
    fixture_init(&f, *state, "gate.share=100");
    f.gate_samples = 8 * 216 + 3 * 100;
    add_record(&f, "{kind: proposal, number: 1, step: 1, proposal: {patch: {optimizer.clip: 2}}}");
    add_record(&f, "{kind: hypothesis, number: 1, step: 1, plan: {start: 140, horizon: 20, pairs: "
                   "8, windows: 100}}");
    assert_contains(plan_of(&f, 200, false, NULL).holds_for, "this gate text"); // 8 may be read
    for (int i = 0; i < 3; i++)
        add_record(&f, "{kind: observation, number: 1, step: 160, observation: {pair: 0}}");
    add_record(&f, "{kind: verdict, number: 1, step: 160, judgement: {outcome: reject}}");
    assert_null(plan_of(&f, 200, false, NULL).holds_for);
    f.gate_samples--;
    assert_contains(plan_of(&f, 200, false, NULL).holds_for, "this gate text");
    fixture_clear(&f);
}

/* Half of 1000 steps; a fast pair at step 220 has 27 steps and reads 216 windows of each trial, of
 * which a third counts. */
static void a_hypothesis_must_have_tokens_for_four_pairs_beside_those_that_others_need(void **state)
{
    const uint64_t step_tokens = 32 * 256, pair = 27 * step_tokens + 2 * 216 * 256 / 3;
    struct fixture f;
    Trireme__Plan plan;
    struct err err = {0};
    fixture_init(&f, *state, NULL);
    assert_int_equal(tokens_left(&f), 500 * step_tokens);
    plan = plan_of(&f, 200, false, NULL);
    assert_int_equal(plan.windows, 216);
    assert_int_equal(plan_pair_tokens(f.trunk->config, &plan), pair);
    add_record(&f,
               "{kind: proposal, number: 1, step: 200, proposal: {patch: {optimizer.clip: 2}}}");
    add_record(&f, "{kind: validation, number: 1, step: 200, validation: {accepted: true}}");
    add_record(&f,
               "{kind: hypothesis, number: 1, step: 200, plan: {start: 220, horizon: 27, pairs: "
               "8, windows: 216}}");
    assert_int_equal(tokens_left(&f), 500 * step_tokens - 4 * pair);
    add_record(&f,
               "{kind: observation, number: 1, step: 247, observation: {pair: 0, tokens: 1000}}");
    assert_int_equal(tokens_left(&f), 500 * step_tokens - 3 * pair - 1000);
    add_record(
        &f, "{kind: observation, number: 1, step: 274, observation: {pair: 1, tokens: 2000000}}");
    assert_int_equal(tokens_left(&f), 500 * step_tokens - 2 * pair - 2001000);
    assert_int_equal(try_plan(&f, &plan, 274, true, NULL, &err), -1);
    assert_contains(err.text, "token budget: 4 pairs take ");
    fixture_clear(&f);
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
    struct fixture f;
    fixture_init(&f, *state, NULL);
    f.gate_samples = 8 * 216;
    assert_null(plan_of(&f, 200, false, NULL).holds_for);
    f.gate_samples = 8 * 216 - 1;
    assert_contains(plan_of(&f, 200, false, NULL).holds_for, "this gate text");
    fixture_clear(&f);
    fixture_init(&f, *state, "data.order=sequential");
    assert_contains(plan_of(&f, 200, false, NULL).holds_for, "this order of the data");
    fixture_clear(&f);
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
    struct fixture f;
    fixture_init(&f, *state, NULL);
    Trireme__Plan forward = TRIREME__PLAN__INIT, plan;
    forward.horizon = 60, forward.tail = 30, forward.pairs = 8, forward.margin = 0.5;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trireme__Config *before = changed(f.run.config, cases[i].before);
        assert_true(plan_reverse(&f.context, &plan, 400, &forward, before));
        assert_true(plan.reverse && plan.start == 400 && plan.pairs == 4 && plan.margin == 0.5);
        assert_int_equal(plan.horizon, cases[i].horizon);
        assert_int_equal(plan.tail, cases[i].tail);
        uint64_t last = 1000 - 4 * cases[i].horizon;
        assert_true(plan_reverse(&f.context, &plan, last, &forward, before));
        assert_false(plan_reverse(&f.context, &plan, last + 1, &forward, before));
        message_free(before);
    }
    fixture_clear(&f);
    fixture_init(&f, *state, "gate.confirm=false");
    assert_false(plan_reverse(&f.context, &plan, 400, &forward, f.run.config));
    fixture_clear(&f);
}

/* n * w / w rounds below n for many w: 1022 * 0.3 / 0.3 is 1021.99... */
static void a_single_source_has_all_its_windows_whatever_its_weight(void **state)
{
    struct fixture f;
    fixture_init(&f, *state, NULL);
    for (unsigned tenths = 1; tenths <= 20; tenths++)
        for (f.gate_samples = 1; f.gate_samples < 3000; f.gate_samples++) {
            f.weight = tenths / 10.0;
            assert_int_equal(plan_windows_max(&f.context), f.gate_samples);
        }
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_run_dir(a_hypothesis_begins_at_the_next_multiple_of_twenty_after_the_first_eighth),
        test_in_run_dir(slow_stretches_are_longer_and_have_tails),
        test_in_run_dir(
            pairs_are_even_in_number_and_a_hypothesis_for_which_four_do_not_fit_is_refused),
        test_in_run_dir(stretches_and_tails_are_whole_steps_of_the_fork_too),
        test_in_run_dir(steps_of_less_than_an_eighth_of_the_tokens_are_refused),
        test_in_run_dir(the_error_budget_grows_with_promotions_and_is_spent_after_its_hypotheses),
        test_in_run_dir(hypotheses_that_were_not_promoted_earn_no_budget),
        cmocka_unit_test(pairs_that_others_have_begun_are_reserved_up_to_their_next_look),
        test_in_run_dir(a_verdict_holds_for_this_text_once_all_hypotheses_read_more_than_it_has),
        test_in_run_dir(a_hypothesis_must_have_tokens_for_four_pairs_beside_those_that_others_need),
        cmocka_unit_test(tokens_are_the_share_of_those_of_the_training),
        test_in_run_dir(a_plan_says_for_what_alone_its_verdict_holds),
        test_in_run_dir(reverse_pairs_have_the_tokens_of_the_forward_ones_and_must_fit),
        test_in_run_dir(a_single_source_has_all_its_windows_whatever_its_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
