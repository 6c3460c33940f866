#include "tests/unit/coordinator/briefing/briefing_fixture.h"

#include "coordinator/ledger/history.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/write.h"

/* A configuration whose paths and seed no planner may see; the caller's. */
static Trireme__Config *secret_config(void)
{
    char *settings[] = {(char *)"data.sources.0.path=/secret/path",
                        (char *)"data.sources.0.name=books",
                        (char *)"data.sources.1.path=/secret/too",
                        (char *)"data.sources.1.name=code", (char *)"train.seed=987654321"};
    struct err err;
    Trireme__Config *config =
        run_config_read(NULL, settings, sizeof settings / sizeof *settings, &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

static const char *value_of(const Trireme__Briefing *b, const char *path)
{
    for (size_t i = 0; i < b->n_config; i++)
        if (!strcmp(b->config[i]->path, path))
            return b->config[i]->value;
    return NULL;
}

static void a_planner_sees_the_recipe_but_no_seed_path_or_gate(void **state)
{
    (void)state;
    Trireme__Config *config = secret_config();
    Trireme__Briefing *b = fixture_briefing(config, NULL, NULL, 2);
    assert_string_equal(value_of(b, "optimizer.lr"), "0.001");
    assert_string_equal(value_of(b, "schedule.kind"), "cosine");
    assert_string_equal(value_of(b, "train.microbatch"), "4");
    assert_string_equal(value_of(b, "data.sources.1.name"), "code");
    assert_string_equal(value_of(b, "model.layers"), "6");
    char *json = json_write(b);
    const char *const secrets[] = {"secret",  "987654321", "seed",        "gate",
                                   "compute", "patience",  "checkpoint.", "init"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (strstr(json, secrets[i]))
            fail_msg("found %s in %s", secrets[i], json);
    free(json);
    bool lr = false;
    for (size_t i = 0; i < b->n_may_change; i++)
        lr = lr || !strcmp(b->may_change[i]->path, "optimizer.lr");
    assert_true(lr);
    assert_int_equal(b->n_curve, 0);
    message_free(b);
    message_free(config);
}

static void of_what_was_tried_the_outcome_is_told_and_no_number_of_the_judgement(void **state)
{
    (void)state;
    Trireme__Config *config = secret_config();
    Trireme__Change change = TRIREME__CHANGE__INIT, *changes[] = {&change};
    Trireme__Proposal proposal = TRIREME__PROPOSAL__INIT;
    change.path = (char *)"optimizer.lr", change.value = (char *)"5e-4";
    proposal.id = (char *)"mine", proposal.patch = changes, proposal.n_patch = 1;
    proposal.hypothesis = (char *)"smaller is better";
    Trireme__Judgement judgement = TRIREME__JUDGEMENT__INIT;
    judgement.has_mean = judgement.has_probability = judgement.has_deviation = 1;
    judgement.mean = 0.123456789, judgement.probability = 0.987654, judgement.deviation = 7.7654321;
    judgement.reason = (char *)"mean 0.123456789";
    judgement.has_cause = 1, judgement.cause = TRIREME__CAUSE__no_hope;
    Trireme__Claim claim = TRIREME__CLAIM__INIT;
    claim.answer = TRIREME__CLAIM__ANSWER__claimed;
    claim.has_p = claim.has_half_width = 1, claim.p = 0.0053967, claim.half_width = 0.024681;
    Trireme__Observation pair = TRIREME__OBSERVATION__INIT, *pairs[] = {&pair, &pair, &pair};
    pair.has_fork_loss = 1, pair.fork_loss = 3.14159265;
    Trireme__Plan plan = TRIREME__PLAN__INIT;
    plan.has_margin = 1, plan.margin = 0.0271828;
    // clang-format off
    struct entry entries[] = {
        {.number = 1,
         .proposal = &proposal,
         .fate = FATE_REFUSED,
         .reason = (char *)"it is too large"},
        {.number = 2,
         .proposal = &proposal,
         .fate = FATE_CLOSED,
         .reason = (char *)"mean 0.123456789",
         .forward = {.plan = &plan, .pairs = pairs, .n_pairs = 3},
         .judgement = &judgement},
        {.number = 3, .proposal = &proposal, .fate = FATE_TAKEN_BACK},
        {.number = 4, .proposal = &proposal, .fate = FATE_ADOPTED},
        {.number = 5, .proposal = &proposal, .fate = FATE_KEPT},
        {.number = 6, .proposal = &proposal, .fate = FATE_KEPT, .claim = &claim},
        {.number = 7, .proposal = &proposal, .fate = FATE_QUEUED, .returned = true},
        {.number = 8, .proposal = &proposal, .fate = FATE_REJECTED}, // first rule
    };
    // clang-format on
    struct history history = {.entries = entries, .n = 8, .registered = 63, .spent = 1000};
    Trireme__Briefing *b = fixture_briefing(config, &history, NULL, 2);
    static const char *const outcomes[] = {"refused", "no hope", "taken back", "adopted",
                                           "kept",    "claimed", "queued",     "rejected"};
    assert_int_equal(b->n_tried, 8);
    for (size_t i = 0; i < 8; i++)
        assert_string_equal(b->tried[i]->outcome, outcomes[i]);
    assert_string_equal(b->tried[0]->reason, "it is too large");
    assert_string_equal(b->tried[0]->id, "mine");
    assert_string_equal(b->tried[0]->hypothesis, "smaller is better");
    assert_string_equal(b->tried[0]->patch[0]->value, "5e-4");
    assert_int_equal(b->tried[1]->pairs, 3);
    assert_int_equal(b->hypotheses_left, 1);
    assert_int_equal(b->room, 1);
    char *json = json_write(b);
    static const char *const numbers[] = {"0.1234", "0.9876", "7.765", "3.14",
                                          "0.0271", "0.0053", "0.0246"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strstr(json, numbers[i]))
            fail_msg("found %s in %s", numbers[i], json);
    free(json);
    message_free(b);
    message_free(config);
}

/* A briefing of one entry with that fate that ended with a cause; has_cause false: in a ledger of
 * old. */
static Trireme__Briefing *brief_ended(const Trireme__Config *config, enum fate fate, bool has_cause,
                                      Trireme__Cause cause)
{
    Trireme__Proposal proposal = TRIREME__PROPOSAL__INIT;
    Trireme__Judgement judgement = TRIREME__JUDGEMENT__INIT;
    judgement.has_cause = has_cause, judgement.cause = cause;
    struct entry entry = {
        .number = 1,
        .proposal = &proposal,
        .fate = fate,
        .judgement = &judgement,
        .reason = (char *)"runs/a/checkpoints/step-00000080/manifest.json: cannot open"};
    struct history history = {.entries = &entry, .n = 1};
    return fixture_briefing(config, &history, NULL, 2);
}

static bool is_a_word(const char *told)
{
    return !strpbrk(told, "/._0123456789") && strlen(told) < 20;
}

static void of_what_ended_a_word_is_told_and_never_the_sentence(void **state)
{
    (void)state;
    Trireme__Config *config = secret_config();
    for (int cause = 0; cause < (int)trireme__cause__descriptor.n_values; cause++) {
        Trireme__Briefing *b = brief_ended(config, FATE_CLOSED, true, (Trireme__Cause)cause);
        const char *reason = b->tried[0]->reason;
        assert_true(!reason || !*reason); // the outcome is that word
        assert_true(is_a_word(b->tried[0]->outcome));
        if (cause == TRIREME__CAUSE__money)
            assert_string_equal(b->tried[0]->outcome, "no money");
        message_free(b);
    }
    message_free(config);
}

static void of_what_ended_by_the_first_rule_a_word_is_told_too(void **state)
{
    (void)state;
    Trireme__Config *config = secret_config();
    static const enum fate fates[] = {FATE_INCONCLUSIVE, FATE_REJECTED, FATE_UNCONFIRMED};
    for (int cause = 0; cause <= (int)trireme__cause__descriptor.n_values; cause++) {
        const bool has = cause < (int)trireme__cause__descriptor.n_values;
        const Trireme__Cause told_cause = has ? (Trireme__Cause)cause : TRIREME__CAUSE__gains;
        Trireme__Briefing *b = brief_ended(config, fates[cause % 3], has, told_cause);
        const char *told = b->tried[0]->reason;
        assert_int_equal(!told || !*told, !has || cause == 0);
        assert_true(!told || is_a_word(told));
        if (told_cause == TRIREME__CAUSE__trunk_diverged)
            assert_string_equal(told, "trunk diverged");
        message_free(b);
    }
    message_free(config);
}

/* Of 500 steps; hypotheses may cost .033 of them before one is adopted, and all experiments .25. */
static void
the_tokens_that_are_left_are_those_that_hypotheses_may_cost_before_an_adoption(void **state)
{
    (void)state;
    const uint64_t step = 32 * 256;
    const struct {
        uint64_t spent, since, left;
    } cases[] = {
        {0,          0,         (uint64_t)(0.033 * 500 * 32 * 256)            },
        {10 * step,  10 * step, (uint64_t)(0.033 * 500 * 32 * 256) - 10 * step},
        {100 * step, 0,         (uint64_t)(0.033 * 500 * 32 * 256)            }, // one was adopted
        {120 * step, 3 * step,  5 * step                                      }, // the share's end
        {125 * step, 0,         0                                             },
        {20 * step,  17 * step, 0                                             },
    };
    Trireme__Config *config = secret_config();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct history history = {.spent = cases[i].spent, .since = cases[i].since};
        Trireme__Briefing *b = fixture_briefing(config, &history, NULL, 2);
        if (b->tokens_left != cases[i].left)
            fail_msg("case %zu: found %llu, expected %llu", i, (unsigned long long)b->tokens_left,
                     (unsigned long long)cases[i].left);
        message_free(b);
    }
    message_free(config);
}

static void a_briefing_counts_in_tokens_where_steps_have_another_size_now(void **state)
{
    (void)state;
    Trireme__Config *asked = secret_config();
    char *half[] = {(char *)"train.batch=16"};
    struct err err;
    Trireme__Config *config = run_config_change(asked, half, 1, &err);
    assert_non_null(config);
    struct curve *curve = curve_new();
    for (uint64_t step = 1; step <= 7; step++) {
        Trireme__TrainLine line = TRIREME__TRAIN_LINE__INIT;
        line.step = step, line.tokens = (step <= 3 ? 32 : 16) * 256, line.seconds = 1;
        curve_train(curve, &line);
    }
    const struct history history = {0};
    Trireme__Briefing *b = briefing_make(&(struct briefing_input){
        .config = config, .asked = asked, .history = &history, .curve = curve, .step = 7});
    assert_int_equal(b->tokens, (3 * 32 + 4 * 16) * 256);
    assert_int_equal(b->tokens_planned, 500 * 32 * 256);
    assert_int_equal(b->step_tokens, 16 * 256);
    assert_int_equal(b->steps, 7 + 2 * 500 - 10);
    assert_int_equal(b->curve[2]->tokens, 3 * 32 * 256);
    assert_int_equal(b->curve[6]->tokens, b->tokens);
    message_free(b);
    curve_free(curve);
    message_free(config);
    message_free(asked);
}

/* What experiments spend, the trunk does not train on. */
static void the_steps_of_the_whole_run_are_those_that_experiments_leave(void **state)
{
    (void)state;
    Trireme__Config *config = secret_config();
    const uint64_t step = 32 * 256;
    struct history history = {.spent = 20 * step + 1, .since = 3 * step};
    struct curve *curve = curve_new();
    for (uint64_t i = 1; i <= 7; i++) {
        Trireme__TrainLine line = TRIREME__TRAIN_LINE__INIT;
        line.step = i, line.tokens = step, line.seconds = 1;
        curve_train(curve, &line);
    }
    Trireme__Briefing *b = fixture_briefing(config, &history, curve, 2);
    assert_int_equal(b->tokens_planned, 500 * step);
    assert_int_equal(b->steps, 500 - 21);
    message_free(b);
    history.spent = 600 * step;
    b = fixture_briefing(config, &history, curve, 2);
    assert_int_equal(b->steps, 7);
    message_free(b);
    history.first_rule = true; // its experiments came on top of the run
    b = fixture_briefing(config, &history, curve, 2);
    assert_int_equal(b->steps, 500);
    message_free(b);
    curve_free(curve);
    message_free(config);
}

static void what_is_left_never_goes_below_zero(void **state)
{
    (void)state;
    Trireme__Config *config = secret_config();
    struct history history = {.registered = 65, .spent = UINT64_MAX, .since = UINT64_MAX};
    Trireme__Briefing *b = fixture_briefing(config, &history, NULL, 2);
    assert_true(b->tokens_left == 0 && b->hypotheses_left == 0 && b->room == 0);
    message_free(b);
    message_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_planner_sees_the_recipe_but_no_seed_path_or_gate),
        cmocka_unit_test(of_what_was_tried_the_outcome_is_told_and_no_number_of_the_judgement),
        cmocka_unit_test(of_what_ended_a_word_is_told_and_never_the_sentence),
        cmocka_unit_test(of_what_ended_by_the_first_rule_a_word_is_told_too),
        cmocka_unit_test(
            the_tokens_that_are_left_are_those_that_hypotheses_may_cost_before_an_adoption),
        cmocka_unit_test(a_briefing_counts_in_tokens_where_steps_have_another_size_now),
        cmocka_unit_test(the_steps_of_the_whole_run_are_those_that_experiments_leave),
        cmocka_unit_test(what_is_left_never_goes_below_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
