#include "tests/unit/coordinator/patch/patch_harness.h"

#include "coordinator/patch/policy.h"
#include "proto/schema/message.h"

static void a_policy_narrows(void **state)
{
    (void)state;
    struct err err;
    Trireme__Config *config = fixture_config(NULL);
    Trireme__Policy *policy = fixture_policy("allow:\n- {path: optimizer.lr, max: 0.01}\n"
                                             "- {path: data.sources.*.weight, min: 0.5}\n- {path: "
                                             "schedule.kind}\n",
                                             &err);
    assert_non_null(policy);
    const char *const cases[][5] = {
  // clang-format off
        {"optimizer.clip", "2", NULL, NULL,
         "optimizer.clip: the run's policy lets no experiment change this"},
        {"optimizer.lr", "0.02", NULL, NULL, "optimizer.lr: found 0.02, expected a number from"},
        {"data.sources.1.weight", "0.1", NULL, NULL,
         "data.sources.1.weight: found 0.1, expected a number from 0.5"},
        {"train.seed", "1", NULL, NULL, "train.seed: no experiment may change this"},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_patch_refused(config, cases[i], policy, cases[i][4]);
    const char *const good[] = {"optimizer.lr", "0.005", "data.sources.1.weight", "0.5"};
    Trireme__Config *changed = patch_harness_apply(config, good, policy, &err);
    assert_non_null(changed);
    message_free(changed);
    const char *const word[] = {"schedule.kind", "linear", NULL, NULL};
    changed = patch_harness_apply(config, word, policy, &err);
    assert_non_null(changed);
    message_free(changed);
    message_free(policy);
    message_free(config);
}

static void a_policy_that_would_widen_is_refused(void **state)
{
    (void)state;
    const char *const cases[][2] = {
  // clang-format off
        {"allow: [{path: train.seed}]",
         "policy.yaml: allow.0: train.seed: no experiment may change this"},
        {"allow: [{path: optimizer.lr, max: 1000}]",
         "allow.0: optimizer.lr: max: found 1000, expected at most 100"},
        {"allow: [{path: optimizer.lr, min: -1}]",
         "allow.0: optimizer.lr: min: found -1, expected at least 0"},
        {"allow: [{path: optimizer.lr, min: 2, max: 1}]",
         "optimizer.lr: found min 2 above max 1"},
        {"allow: [{path: schedule.kind, max: 1}]", "schedule.kind: found bounds, expected none"},
        {"allow: [{path: optimizer.lrr}]", "did you mean lr?"},
        {"allow: [{max: 1}]", "allow.0: found no path"},
        {"allow: [{path: optimizer.lr}, {path: optimizer.lr}]",
         "allow.1: found optimizer.lr a second time"},
        {"alow: []", "unknown key"},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        assert_null(fixture_policy(cases[i][0], &err));
        assert_int_equal(err.code, ERR_USAGE);
        assert_contains(err.text, cases[i][1]);
    }
    struct err err = {0};
    Trireme__Policy *policy = NULL;
    assert_int_equal(policy_read(&policy, "", &err), 0);
    assert_null(policy);
    assert_int_equal(policy_read(&policy, "nowhere/policy.yaml", &err), -1);
    assert_contains(err.text, "experiment.policy: nowhere/policy.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_narrows),
        cmocka_unit_test(a_policy_that_would_widen_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
