/* Which changes are calm, and which vary as a rate does. */
#include "tests/unit/coordinator/run/run_dir.h"

#include "coordinator/gate/change_kind.h"
#include "proto/schema/message.h"

/* A setting of the configuration before (or NULL), and of the one after. */
static struct change_kind kind_of(const char *before, const char *const after[2])
{
    struct err err;
    char *settings[] = {(char *)after[0], (char *)after[1]};
    Trireme__Config *a = run_dir_config(before),
                    *b = run_config_change(a, settings, after[1] ? 2 : 1, &err);
    if (!b)
        fail_msg("%s", err.text);
    const struct change_kind kind = change_kind_of(a, b);
    message_free(a);
    message_free(b);
    return kind;
}

static void calm_changes_lower_the_rate_or_the_noise(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after[2];
        bool calm, slow;
    } cases[] = {
  // clang-format off
        {NULL, {"optimizer.lr=5e-4"},                              true,  true },
        {NULL, {"optimizer.lr=2e-3"},                              false, true },
        {NULL, {"schedule.min_lr=5e-5"},                           true,  true },
        {NULL, {"schedule.min_lr=5e-4"},                           false, true },
        {NULL, {"optimizer.clip=0.5"},                             true,  true },
        {NULL, {"optimizer.clip=2"},                               false, true },
        {NULL, {"optimizer.clip=0"},                               false, true },
        {"optimizer.clip=0", {"optimizer.clip=100"},               true,  true },
        {NULL, {"train.batch=64"},                                 true,  true },
        {NULL, {"train.batch=16"},                                 false, true },
        {NULL, {"train.context=64"},                               false, true },
        {"train.context=64", {"train.context=128"},                true,  true },
        {"train.context=64", {"train.context=0"},                  true,  true },
        {NULL, {"train.context=256"},                              false, false}, // as it is
        {"schedule.kind=constant", {"schedule.kind=linear"},       true,  true },
        {"schedule.kind=constant", {"schedule.kind=cosine"},       true,  true },
        {NULL, {"schedule.kind=linear"},                           false, true },
        {NULL, {"schedule.kind=constant"},                         false, true },
        {NULL, {"optimizer.beta1=0.5"},                            false, true },
        {NULL, {"optimizer.beta2=0.5"},                            false, true },
        {NULL, {"optimizer.eps=1e-6"},                             false, true },
        {NULL, {"schedule.warmup=20"},                             false, true },
        {NULL, {"optimizer.weight_decay=0.01"},                    false, true },
        {NULL, {"data.sources.1.weight=5"},                        false, false},
        {NULL, {"data.skip=100"},                                  false, false},
        {NULL, {"data.sources.1.weight=5", "optimizer.beta2=0.5"}, false, true },
        {NULL, {"optimizer.lr=2e-3", "train.batch=64"},            true,  true },
        {NULL, {"data.sources.1.weight=5", "optimizer.clip=1"},    false, false},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct change_kind found = kind_of(cases[i].before, cases[i].after);
        if ((found.kind == STRETCH_CALM) != cases[i].calm || found.slow != cases[i].slow)
            fail_msg("case %zu, %s: found %s, %s", i, cases[i].after[0],
                     found.kind == STRETCH_CALM ? "calm" : "plain", found.slow ? "slow" : "fast");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calm_changes_lower_the_rate_or_the_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
