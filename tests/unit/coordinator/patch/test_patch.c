#include "tests/unit/coordinator/patch/patch_harness.h"

#include "coordinator/patch/patch.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"

static void a_patch_changes_what_it_says_and_nothing_else(void **state)
{
    (void)state;
    struct err err;
    Trireme__Config *config = fixture_config(NULL), *before = message_copy(config);
    const char *const words[] = {"optimizer.lr", "5e-4", "data.sources.1.weight", "3"};
    Trireme__Config *changed = patch_harness_apply(config, words, NULL, &err);
    assert_non_null(changed);
    assert_true(message_equal(config, before));
    char *paths[4];
    assert_int_equal(message_diff(paths, 4, config, changed), 2);
    assert_string_equal(paths[0], "data.sources.1.weight");
    assert_string_equal(paths[1], "optimizer.lr");
    assert_true(changed->optimizer->lr == 5e-4 && changed->data->sources[1]->weight == 3);
    free(paths[0]);
    free(paths[1]);
    message_free(changed);
    message_free(before);
    message_free(config);
}

static void a_source_may_be_named_in_a_path(void **state)
{
    (void)state;
    const char *settings[] = {"data.sources.0.path=a", "data.sources.0.name=code",
                              "data.sources.1.path=b", "data.sources.1.name=code.c"};
    Trireme__Config *config = fixture_config_of(settings, 4);
    static const char *const cases[][2] = {
        {"data.sources.code.weight",   "data.sources.0.weight"    },
        {"data.sources.code.c.weight", "data.sources.0.c.weight"  }, // the first that fits
        {"data.sources.1.weight",      "data.sources.1.weight"    },
        {"data.sources.books.weight",  "data.sources.books.weight"},
        {"data.sources.",              "data.sources."            },
        {"optimizer.lr",               "optimizer.lr"             },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trireme__Change change = TRIREME__CHANGE__INIT, *changes[] = {&change};
        Trireme__Proposal proposal = TRIREME__PROPOSAL__INIT;
        change.path = (char *)cases[i][0], change.value = (char *)"2";
        proposal.patch = changes, proposal.n_patch = 1;
        Trireme__Proposal *numbered = patch_number_sources(&proposal, config);
        assert_string_equal(numbered->patch[0]->path, cases[i][1]);
        assert_string_equal(numbered->patch[0]->value, "2");
        message_free(numbered);
    }
    message_free(config);
}

static void what_is_not_legal_is_refused_with_a_sentence_that_helps(void **state)
{
    (void)state;
    static char long_value[4000], long_path[4000];
    memset(long_value, '1', sizeof long_value - 1);
    memset(long_path, 'x', sizeof long_path - 1);
    Trireme__Config *config = fixture_config("data.skip=10");
    const char *const cases[][5] = {
  // clang-format off
        {"train.seed", "1", NULL, NULL,
         "train.seed: no experiment may change this; `trireme briefing` lists what may"},
        {"data.sources.0.path", "/etc/passwd", NULL, NULL,
         "data.sources.0.path: no experiment may change this"},
        {"gate.alpha", "0.5", NULL, NULL, "gate.alpha: no experiment may change this"},
        {"experiment.command", "sh", NULL, NULL,
         "experiment.command: no experiment may change this"},
        {"experiment.command.0", "sh", NULL, NULL,
         "experiment.command.0: no experiment may change this"},
        {"optimizer", "{lr: 1}", NULL, NULL, "optimizer: no experiment may change this"},
        {"data.sources", "[]", NULL, NULL, "data.sources: no experiment may change this"},
        {"optimizer.lr", "5000", NULL, NULL,
         "optimizer.lr: found '5000', expected a number from 0 to 100"},
        {"optimizer.lr", "nan", NULL, NULL, "optimizer.lr: found 'nan', expected a number"},
        {"optimizer.lr", ".nan", NULL, NULL, "optimizer.lr: found '.nan', expected a number"},
        {"optimizer.lr", "inf", NULL, NULL, "optimizer.lr: found 'inf', expected a number"},
        {"optimizer.lr", "1e999", NULL, NULL, "optimizer.lr: found '1e999', expected a number"},
        {"optimizer.lr", "", NULL, NULL, "optimizer.lr: found '', expected a number"},
        {"optimizer.lr", " 1", NULL, NULL, "optimizer.lr: found ' 1', expected a number"},
        {"optimizer.lr", "0.5 # half", NULL, NULL,
         "optimizer.lr: found '0.5 # half', expected a number"},
        {"optimizer.lr", long_value, NULL, NULL, "optimizer.lr: found '1111"},
        {"optimizer.lr", NULL, NULL, NULL, "optimizer.lr: found no value"},
        {"optimizer.lr", "1\n2", NULL, NULL, "optimizer.lr: found '1?2', expected a number"},
        {NULL, "1", NULL, NULL, "found a change without a path"},
        {"", "1", NULL, NULL, "found a change without a path"},
        {"optimizer.lrr", "1", NULL, NULL, "optimizer.lrr: unknown key"},
        {"optimizer.lr.", "1", NULL, NULL, "expected none behind lr"},
        {"optimizer..lr", "1", NULL, NULL, "unknown key"},
        {".", "1", NULL, NULL, "unknown key"},
        {"optimizer.lr=1", "1", NULL, NULL, "optimizer.lr=1: unknown key"},
        {"\x1b[2J\xff", "1", NULL, NULL, "?[2J?: unknown key"},
        {long_path, "1", NULL, NULL, "unknown key"},
        {"data.sources.2.weight", "1", NULL, NULL,
         "data.sources.2.weight: the run has no such element"},
        {"data.sources.-1.weight", "1", NULL, NULL, "unknown element"},
        {"data.sources.*.weight", "1", NULL, NULL, "unknown element"},
        {"schedule.kind", "cosin", NULL, NULL,
         "schedule.kind: found 'cosin', expected one of cosine, linear, constant (did"},
        {"train.batch", "32.5", NULL, NULL, "train.batch: found '32.5', expected a whole number"},
        {"train.batch", "33", NULL, NULL,
         "train.batch: found 33, expected a multiple of train.microbatch = 4"},
        {"schedule.min_lr", "0.01", NULL, NULL,
         "schedule.min_lr: found 0.01, expected at most optimizer.lr = 0.001"},
        {"data.skip", "3", NULL, NULL, "data.skip: found 3, expected at least 10"},
        {"data.sources.0.weight", "0", "data.sources.1.weight", "0",
         "data.sources: the weights of all 2 sources are zero"},
        {"optimizer.lr", "0.002", "optimizer.lr", "0.004",
         "optimizer.lr: found twice in one patch"},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_patch_refused(config, cases[i], NULL, cases[i][4]);
    message_free(config);
}

static void a_patch_without_effect_is_refused(void **state)
{
    (void)state;
    Trireme__Config *config = fixture_config(NULL), *sgd = fixture_config("optimizer.name=sgd");
    Trireme__Config *constant = fixture_config("schedule.kind=constant");
    const char *const cases[][5] = {
  // clang-format off
        {"optimizer.lr", "0.001", NULL, NULL, "optimizer.lr: found 0.001, which it has already"},
        {"optimizer.lr", "1e-3", NULL, NULL, "optimizer.lr: found 0.001, which it has already"},
        {"optimizer.lr", "0.00100000000000001", NULL, NULL, "which has no effect"},
        {"schedule.kind", "cosine", NULL, NULL,
         "schedule.kind: found cosine, which it has already"},
        {"train.context", "256", NULL, NULL, "train.context: found 256, which has no effect"},
        {"data.sources.0.weight", "7", "data.sources.1.weight", "7",
         "data.sources.0.weight: found 7, which has no effect"},
        {"optimizer.momentum", "0.5", NULL, NULL,
         "optimizer.momentum: has no effect, since optimizer.name is adamw"},
        {"optimizer.momentum", "0.5", "optimizer.lr", "0.1", "optimizer.momentum: has no effect"},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_patch_refused(config, cases[i], NULL, cases[i][4]);
    Trireme__Config *unclipped = fixture_config("optimizer.clip=0");
    assert_patch_refused(unclipped, (const char *const[]){"optimizer.clip", "-0", NULL, NULL}, NULL,
                         "has no effect");
    message_free(unclipped);
    assert_patch_refused(sgd, (const char *const[]){"optimizer.beta1", "0.5", NULL, NULL}, NULL,
                         "optimizer.beta1: has no effect, since optimizer.name is sgd");
    assert_patch_refused(constant, (const char *const[]){"schedule.min_lr", "1e-5", NULL, NULL},
                         NULL, "schedule.min_lr: has no effect, since schedule.kind is constant");
    struct err err;
    const char *const together[] = {"schedule.min_lr", "1e-5", "schedule.kind", "cosine"};
    Trireme__Config *changed = patch_harness_apply(constant, together, NULL, &err);
    assert_non_null(changed);
    message_free(changed);
    message_free(config);
    message_free(sgd);
    message_free(constant);
}

static void the_values_before_come_from_the_schema(void **state)
{
    (void)state;
    Trireme__Config *config = fixture_config(NULL);
    Trireme__Change *changes[] = {change_fixture("optimizer.clip", "2"),
                                  change_fixture("data.sources.0.weight", "3"),
                                  change_fixture("schedule.kind", "linear")};
    Trireme__Change **before = changes_values(config, changes, 3);
    char *text = changes_text(before, 3);
    assert_string_equal(text, "optimizer.clip=1 data.sources.0.weight=1 schedule.kind=cosine");
    free(text);
    changes_free(before, 3);
    for (int i = 0; i < 3; i++)
        message_free(changes[i]);
    message_free(config);
}

static void proposals_with_unfit_texts_are_refused(void **state)
{
    (void)state;
    static char long_text[600];
    memset(long_text, 'x', sizeof long_text - 1);
    Trireme__Proposal *p = message_new(&trireme__proposal__descriptor);
    Trireme__Change *many[PATCH_PATHS_MAX + 1], **none = p->patch;
    for (size_t i = 0; i <= PATCH_PATHS_MAX; i++)
        many[i] = change_fixture("optimizer.lr", "1");
    struct err err = {0};
    assert_int_equal(patch_check_proposal(p, &err), -1);
    assert_contains(err.text, "found no change");
    p->patch = many, p->n_patch = PATCH_PATHS_MAX + 1;
    assert_int_equal(patch_check_proposal(p, &err), -1);
    assert_contains(err.text, "found 9 changes in one patch, expected at most 8");
    p->n_patch = PATCH_PATHS_MAX;
    assert_int_equal(patch_check_proposal(p, &err), 0);
    const struct {
        const char *text, *sentence;
    } cases[] = {
        {long_text, "found 599 bytes, expected at most 500"},
        {"\xff",    "no UTF-8"                             },
        {"a\x1b[m", "control character (0x1b)"             }
    };
    char **fields[] = {&p->id, &p->hypothesis, &p->predicted, &many[0]->path, &many[0]->value};
    for (size_t i = 0; i < 3; i++)
        for (size_t f = 0; f < 5; f++) {
            char *good = *fields[f];
            *fields[f] = (char *)cases[i].text;
            assert_int_equal(patch_check_proposal(p, &err), -1);
            assert_contains(err.text, cases[i].sentence);
            *fields[f] = good;
        }
    p->has_budget = true, p->budget = UINT64_MAX;
    assert_int_equal(patch_check_proposal(p, &err), -1);
    assert_contains(err.text, "budget");
    p->patch = none, p->n_patch = 0;
    for (size_t i = 0; i <= PATCH_PATHS_MAX; i++)
        message_free(many[i]);
    message_free(p);
}

struct visit {
    unsigned n, slow;
    bool lr, kind, weight, momentum, skip;
};

static void visit_may_change(void *context, const Trireme__MayChange *may)
{
    struct visit *visit = context;
    visit->n++;
    visit->slow += may->slow;
    if (!strcmp(may->path, "optimizer.lr")) {
        visit->lr = true;
        assert_true(may->has_max && may->max == 0.01 && may->has_min && may->min == 0);
        assert_string_equal(may->value, "0.001");
        assert_string_equal(may->unit, "1/step");
        assert_contains(may->meaning, "Learning rate");
    }
    if (!strcmp(may->path, "schedule.kind")) {
        visit->kind = true;
        assert_int_equal(may->n_words, 3);
        assert_string_equal(may->words[0], "constant");
        assert_string_equal(may->words[2], "linear");
    }
    if (!strcmp(may->path, "data.skip")) {
        visit->skip = true;
        assert_true(may->has_min && may->min == 10);
    }
    visit->weight = visit->weight || !strcmp(may->path, "data.sources.1.weight");
    visit->momentum = visit->momentum || !strcmp(may->path, "optimizer.momentum");
}

static void what_may_change_is_told_within_the_policy(void **state)
{
    (void)state;
    struct err err;
    Trireme__Config *config = fixture_config("data.skip=10");
    Trireme__Policy *policy =
        fixture_policy("allow: [{path: optimizer.*}, {path: optimizer.lr, max: 0.01}]", &err);
    assert_null(policy); // a * is the number of an element, no other part
    policy = fixture_policy(
        "allow: [{path: data.sources.*.weight}, {path: optimizer.lr, max: 0.01}, {path: data.skip},"
        " {path: schedule.kind}, {path: optimizer.momentum}]",
        &err);
    assert_non_null(policy);
    struct visit visit = {0};
    patch_may_change(config, policy, visit_may_change, &visit);
    assert_true(visit.lr && visit.kind && visit.weight && visit.skip);
    assert_false(visit.momentum);
    assert_int_equal(visit.n, 5);
    assert_int_equal(visit.slow, 2);
    message_free(policy);
    message_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_patch_changes_what_it_says_and_nothing_else),
        cmocka_unit_test(a_source_may_be_named_in_a_path),
        cmocka_unit_test(what_is_not_legal_is_refused_with_a_sentence_that_helps),
        cmocka_unit_test(a_patch_without_effect_is_refused),
        cmocka_unit_test(the_values_before_come_from_the_schema),
        cmocka_unit_test(proposals_with_unfit_texts_are_refused),
        cmocka_unit_test(what_may_change_is_told_within_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
