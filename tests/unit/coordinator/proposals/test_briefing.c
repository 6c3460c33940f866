#include "tests/unit/support.h"

#include "coordinator/ledger/history.h"
#include "coordinator/proposals/briefing.h"
#include "coordinator/proposals/curve.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <math.h>

static Trireme__Config *config_new(void)
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

static void feed(struct curve *curve, uint64_t step, double loss)
{
    Trireme__TrainLine line = TRIREME__TRAIN_LINE__INIT;
    line.step = step, line.loss = loss, line.lr = 1e-3 / (double)step, line.tokens = 100,
    line.seconds = 0.5;
    curve_train(curve, &line);
}

static void evaluate(struct curve *curve, uint64_t step, double loss)
{
    Trireme__SourceLoss source = TRIREME__SOURCE_LOSS__INIT, *sources[] = {&source};
    Trireme__EvalLine line = TRIREME__EVAL_LINE__INIT;
    source.name = (char *)"books", source.val_loss = loss + 1;
    line.step = step, line.val_loss = loss;
    line.sources = sources, line.n_sources = 1;
    curve_eval(curve, &line);
}

static Trireme__Briefing *brief_of(const Trireme__Config *config, const struct history *history,
                                   const struct curve *curve)
{
    struct briefing_input input = {.config = config,
                                   .asked = config,
                                   .history = history,
                                   .curve = curve,
                                   .step = 7,
                                   .room = 2};
    return briefing_make(&input);
}

static void the_curve_is_equal_stretches_and_ends_now(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    struct history history = {0};
    for (uint64_t steps = 1; steps <= 1000; steps = steps < 30 ? steps + 1 : steps * 3) {
        struct curve *curve = curve_new();
        for (uint64_t i = 1; i <= steps; i++)
            feed(curve, i, (double)i);
        Trireme__Briefing *b = brief_of(config, &history, curve);
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
    Trireme__Config *config = config_new();
    struct history history = {0};
    struct curve *curve = curve_new();
    for (uint64_t i = 1; i <= 96; i++) {
        feed(curve, i, 1);
        if (i == 40 || i == 42 || i == 80)
            evaluate(curve, i, (double)i);
    }
    Trireme__Briefing *b = brief_of(config, &history, curve);
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
    Trireme__Config *config = config_new();
    struct history history = {0};
    struct curve *curve = curve_new();
    feed(curve, 1, 4);
    feed(curve, 1, 100);
    Trireme__TrainLine fork = TRIREME__TRAIN_LINE__INIT;
    Trireme__EvalLine fork_eval = TRIREME__EVAL_LINE__INIT;
    fork.trial = fork_eval.trial = (char *)"3";
    fork.step = 2, fork.loss = 100, fork_eval.val_loss = 100;
    curve_train(curve, &fork);
    curve_eval(curve, &fork_eval);
    Trireme__Briefing *b = brief_of(config, &history, curve);
    assert_int_equal(b->n_curve, 1);
    assert_true(b->curve[0]->loss == 4 && !b->curve[0]->has_val_loss);
    message_free(b);
    curve_free(curve);
    message_free(config);
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
    Trireme__Config *config = config_new();
    struct history history = {0};
    struct curve *curve = curve_new();
    Trireme__Briefing *b = brief_of(config, &history, curve);
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
    curve_free(curve);
    message_free(config);
}

static void of_what_was_tried_the_outcome_is_told_and_no_number_of_the_judgement(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    struct curve *curve = curve_new();
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
    Trireme__Briefing *b = brief_of(config, &history, curve);
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
    curve_free(curve);
    message_free(config);
}

static void tokens_that_open_hypotheses_need_are_not_promised_again(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    struct curve *curve = curve_new();
    Trireme__Plan plan = TRIREME__PLAN__INIT;
    plan.horizon = 20, plan.tail = 10, plan.windows = 300;
    struct entry open = {
        .number = 1, .fate = FATE_OPEN, .forward = {.plan = &plan, .n_pairs = 1}
    };
    struct history history = {.entries = &open, .n = 1, .registered = 1, .tokens = 1000};
    Trireme__Briefing *b = brief_of(config, &history, curve);
    const uint64_t pair = (20 + 2 * 10) * 32 * 256 + 2 * 300 * 256 / 3;
    assert_int_equal(b->tokens_left, 500 * 32 * 256 / 2 - 1000 - 3 * pair);
    message_free(b);
    curve_free(curve);
    message_free(config);
}

static void what_is_left_never_goes_below_zero(void **state)
{
    (void)state;
    Trireme__Config *config = config_new();
    struct curve *curve = curve_new();
    struct history history = {.registered = 11, .tokens = UINT64_MAX};
    Trireme__Briefing *b = brief_of(config, &history, curve);
    assert_true(b->tokens_left == 0 && b->hypotheses_left == 0 && b->room == 0);
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
        cmocka_unit_test(a_planner_sees_the_recipe_but_no_seed_path_or_gate),
        cmocka_unit_test(of_what_was_tried_the_outcome_is_told_and_no_number_of_the_judgement),
        cmocka_unit_test(tokens_that_open_hypotheses_need_are_not_promised_again),
        cmocka_unit_test(what_is_left_never_goes_below_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
