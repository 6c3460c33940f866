/* Two configurations are compared as recipes: by what they do to the training. */
#include "tests/unit/coordinator/briefing/briefing_fixture.h"
#include "tests/unit/proto/config/change_fixture.h"

#include "coordinator/patch/recipe.h"
#include "proto/config/changes.h"

/* Whether two changes (the second may be NULL) of the defaults make the same recipe. */
static bool same(const char *const a[4], const char *const b[4])
{
    struct err err = {0};
    Trireme__Config *config = fixture_config(NULL), *made[2];
    const char *const *words[] = {a, b};
    for (int i = 0; i < 2; i++) {
        Trireme__Change *changes[] = {change_fixture(words[i][0], words[i][1]),
                                      change_fixture(words[i][2], words[i][3])};
        made[i] = changes_apply(config, changes, words[i][2] ? 2 : 1, &err);
        if (!made[i])
            fail_msg("%s", err.text);
        message_free(changes[0]);
        message_free(changes[1]);
    }
    int rc = recipe_same(made[0], made[1], &err);
    assert_int_equal(rc, recipe_same(made[1], made[0], &err));
    message_free(made[0]);
    message_free(made[1]);
    message_free(config);
    assert_true(rc >= 0);
    return rc;
}

static void recipes_that_train_alike_are_the_same_however_they_are_written(void **state)
{
    (void)state;
    static const char *const cases[][8] = {
  // clang-format off
        {"optimizer.lr", "0.002", NULL, NULL,  "optimizer.lr", "2.00e-03"},
        {"optimizer.lr", "0.002", NULL, NULL,  "optimizer.lr", "0.0020000000000001"},
        {"optimizer.lr", "0.002", NULL, NULL,  "optimizer.lr", "0.002", "optimizer.clip", "1"},
        {"optimizer.lr", "0.002", "optimizer.beta2", "0.9",
         "optimizer.beta2", "0.9", "optimizer.lr", "0.002"},
        {"optimizer.lr", "0.002", NULL, NULL,  "optimizer.lr", "0.002", "train.context", "256"},
        {"optimizer.lr", "0.002", NULL, NULL,
         "optimizer.lr", "0.002", "optimizer.momentum", "0.5"},
        {"data.sources.1.weight", "3", NULL, NULL,
         "data.sources.0.weight", "2", "data.sources.1.weight", "6"},
        {"optimizer.clip", "0", NULL, NULL,  "optimizer.clip", "-0"},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!same(cases[i], cases[i] + 4))
            fail_msg("case %zu: %s=%s and %s=%s were told apart", i, cases[i][0], cases[i][1],
                     cases[i][4], cases[i][5]);
}

static void recipes_that_train_otherwise_are_told_apart(void **state)
{
    (void)state;
    static const char *const cases[][8] = {
  // clang-format off
        {"optimizer.lr", "0.002", NULL, NULL,  "optimizer.lr", "0.002000001"},
        {"optimizer.lr", "0.002", NULL, NULL,  "optimizer.lr", "0.002", "optimizer.clip", "2"},
        {"optimizer.beta2", "0.9999", NULL, NULL,  "optimizer.beta2", "0.9999002"},
        {"data.skip", "16777216", NULL, NULL,  "data.skip", "16777217"}, // equal as floats
        {"train.context", "128", NULL, NULL,  "train.context", "64"},
        {"schedule.kind", "linear", NULL, NULL,  "schedule.kind", "constant"},
        {"optimizer.name", "sgd", "optimizer.momentum", "0.5",
         "optimizer.name", "sgd", "optimizer.momentum", "0.6"},
        {"data.sources.1.weight", "3", NULL, NULL,  "data.sources.1.weight", "3.1"},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (same(cases[i], cases[i] + 4))
            fail_msg("case %zu: %s=%s and %s=%s count as the same", i, cases[i][0], cases[i][1],
                     cases[i][4], cases[i][5]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_that_train_alike_are_the_same_however_they_are_written),
        cmocka_unit_test(recipes_that_train_otherwise_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
