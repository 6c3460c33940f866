/* What tests of proposals begin with: a configuration, a policy, a briefing. The caller owns what
 * the functions return, and frees it by message_free. */
#pragma once
#include "tests/unit/support.h"

#include "base/file.h"
#include "coordinator/briefing/briefing.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/ledger/history.h"
#include "coordinator/patch/policy.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

/* The defaults with these settings. */
static inline Trireme__Config *fixture_config_of(const char *const *settings, size_t n)
{
    struct err err;
    Trireme__Config *config = run_config_read(NULL, (char *const *)settings, n, &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

/* The defaults with two sources and one setting more, or NULL. */
static inline Trireme__Config *fixture_config(const char *setting)
{
    const char *settings[] = {"data.sources.0.path=a", "data.sources.1.path=b", setting};
    return fixture_config_of(settings, setting ? 3 : 2);
}

/* Reads a policy from a file with that content; NULL and err where it is refused. */
static inline Trireme__Policy *fixture_policy(const char *yaml, struct err *err)
{
    char *folder = test_folder_new(), *path = file_join(folder, "policy.yaml");
    Trireme__Policy *policy = NULL;
    must_write(path, yaml, strlen(yaml));
    int rc = policy_read(&policy, path, err);
    assert_int_equal(rc, policy ? 0 : -1);
    free(path);
    test_folder_free(folder);
    return policy;
}

/* The briefing at step 7 of a run, with room for so many proposals. history, curve: NULL for empty
 * ones. */
static inline Trireme__Briefing *fixture_briefing(const Trireme__Config *config,
                                                  const struct history *history,
                                                  const struct curve *curve, uint32_t room)
{
    const struct history no_history = {0};
    struct curve *no_curve = curve_new();
    struct briefing_input input = {.config = config,
                                   .asked = config,
                                   .history = history ? history : &no_history,
                                   .curve = curve ? curve : no_curve,
                                   .step = 7,
                                   .room = room};
    Trireme__Briefing *briefing = briefing_make(&input);
    curve_free(no_curve);
    return briefing;
}
