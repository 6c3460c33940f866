#include "tests/unit/coordinator/proposals/proposals_fixture.h"

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
    const char *const secrets[] = {"secret",  "987654321", "seed",       "gate",
                                   "compute", "patience",  "checkpoint", "init"};
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
    judgement.has_mean = judgement.has_t = 1, judgement.mean = 0.123456789, judgement.t = 7.7654321;
    judgement.reason = (char *)"mean 0.123456789";
    Trireme__Observation pair = TRIREME__OBSERVATION__INIT, *pairs[] = {&pair, &pair, &pair};
    pair.has_fork_loss = 1, pair.fork_loss = 3.14159265;
    Trireme__Plan plan = TRIREME__PLAN__INIT;
    plan.has_alpha = 1, plan.alpha = 0.0271828;
    // clang-format off
    struct entry entries[] = {
        {.number = 1,
         .proposal = &proposal,
         .fate = FATE_REFUSED,
         .reason = (char *)"it is too large"},
        {.number = 2,
         .proposal = &proposal,
         .fate = FATE_ROLLED_BACK,
         .forward = {.plan = &plan, .pairs = pairs, .n_pairs = 3},
         .judgement = &judgement},
        {.number = 3, .proposal = &proposal, .fate = FATE_REJECTED},
        {.number = 4, .proposal = &proposal, .fate = FATE_PROMOTED},
    };
    // clang-format on
    struct history history = {.entries = entries, .n = 4, .registered = 9, .tokens = 1000};
    Trireme__Briefing *b = fixture_briefing(config, &history, NULL, 2);
    assert_int_equal(b->n_tried, 4);
    assert_string_equal(b->tried[0]->outcome, "refused");
    assert_string_equal(b->tried[0]->reason, "it is too large");
    assert_string_equal(b->tried[0]->id, "mine");
    assert_string_equal(b->tried[0]->hypothesis, "smaller is better");
    assert_string_equal(b->tried[0]->patch[0]->value, "5e-4");
    assert_string_equal(b->tried[1]->outcome, "rolled back");
    assert_int_equal(b->tried[1]->pairs, 3);
    assert_string_equal(b->tried[2]->outcome, "rejected");
    assert_string_equal(b->tried[3]->outcome, "promoted");
    assert_int_equal(b->hypotheses_left, 1);
    assert_int_equal(b->room, 1);
    assert_true(b->tokens_left == 500 * 32 * 256 / 2 - 1000);
    char *json = json_write(b);
    assert_null(strstr(json, "0.1234"));
    assert_null(strstr(json, "7.765"));
    assert_null(strstr(json, "3.14"));
    assert_null(strstr(json, "0.0271"));
    free(json);
    message_free(b);
    message_free(config);
}

static void of_what_ended_a_word_is_told_and_never_the_sentence(void **state)
{
    (void)state;
    Trireme__Config *config = secret_config();
    Trireme__Proposal proposal = TRIREME__PROPOSAL__INIT;
    static const enum fate fates[] = {FATE_INCONCLUSIVE, FATE_REJECTED, FATE_UNCONFIRMED};
    for (int cause = 0; cause <= (int)trireme__cause__descriptor.n_values; cause++) {
        Trireme__Judgement judgement = TRIREME__JUDGEMENT__INIT;
        judgement.has_cause = cause < (int)trireme__cause__descriptor.n_values; // a ledger of old
        judgement.cause = judgement.has_cause ? (Trireme__Cause)cause : TRIREME__CAUSE__gains;
        struct entry entry = {
            .number = 1,
            .proposal = &proposal,
            .fate = fates[cause % 3],
            .judgement = &judgement,
            .reason = (char *)"runs/a/checkpoints/step-00000080/manifest.json: cannot open"};
        struct history history = {.entries = &entry, .n = 1};
        Trireme__Briefing *b = fixture_briefing(config, &history, NULL, 2);
        const char *told = b->tried[0]->reason;
        assert_int_equal(!told || !*told, !judgement.has_cause || cause == 0);
        assert_true(!told || (!strpbrk(told, "/._0123456789") && strlen(told) < 20));
        if (judgement.cause == TRIREME__CAUSE__trunk_diverged)
            assert_string_equal(told, "trunk diverged");
        message_free(b);
    }
    message_free(config);
}

static void tokens_that_open_hypotheses_need_are_not_promised_again(void **state)
{
    (void)state;
    Trireme__Config *config = secret_config();
    Trireme__Plan plan = TRIREME__PLAN__INIT;
    plan.horizon = 20, plan.tail = 10, plan.windows = 300;
    struct entry open = {
        .number = 1, .fate = FATE_OPEN, .forward = {.plan = &plan, .n_pairs = 1}
    };
    struct history history = {.entries = &open, .n = 1, .registered = 1, .tokens = 1000};
    Trireme__Briefing *b = fixture_briefing(config, &history, NULL, 2);
    const uint64_t pair = (20 + 2 * 10) * 32 * 256 + 2 * 300 * 256 / 3;
    assert_int_equal(b->tokens_left, 500 * 32 * 256 / 2 - 1000 - 3 * pair);
    message_free(b);
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

static void what_is_left_never_goes_below_zero(void **state)
{
    (void)state;
    Trireme__Config *config = secret_config();
    struct history history = {.registered = 11, .tokens = UINT64_MAX};
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
        cmocka_unit_test(tokens_that_open_hypotheses_need_are_not_promised_again),
        cmocka_unit_test(a_briefing_counts_in_tokens_where_steps_have_another_size_now),
        cmocka_unit_test(what_is_left_never_goes_below_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
