/* What ranks say that they train a trial with is compared value by value. */
#include "tests/unit/support.h"

#include "coordinator/train/in_force.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

static Trireme__Config *config_with(const char *setting)
{
    char *settings[] = {"data.sources.0.path=a", "data.sources.1.path=b", "data.sources.1.weight=3",
                        (char *)setting};
    struct err err;
    Trireme__Config *config = run_config_read(NULL, settings, setting ? 4 : 3, &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

/* What a rank that computes with `used` says, checked against `told`. */
static int check(const Trireme__Config *used, const Trireme__Config *told, bool server,
                 struct err *err)
{
    Trireme__InForce in_force = TRIREME__IN_FORCE__INIT;
    double weights[] = {2 * used->data->sources[0]->weight, 2 * used->data->sources[1]->weight};
    in_force.optimizer = used->optimizer;
    if (!server) {
        in_force.batch = used->train->batch, in_force.microbatch = used->train->microbatch;
        in_force.context = run_config_context(used);
        in_force.weights = weights, in_force.n_weights = 2;
    }
    return in_force_check(&in_force, told, server, "rank x", err);
}

static void a_rank_that_computes_with_what_it_was_told_passes(void **state)
{
    (void)state;
    struct err err = {0};
    Trireme__Config *config = config_with("optimizer.beta2=0.5");
    assert_int_equal(check(config, config, true, &err), 0);
    assert_int_equal(check(config, config, false, &err), 0);
    message_free(config);
}

static void each_value_that_a_rank_has_otherwise_is_named_with_both_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *setting, *sentence;
        bool server;
    } cases[] = {
        {"optimizer.beta1=0.5",        "optimizer.beta1 = 0.9, expected 0.5",        true },
        {"optimizer.beta2=0.5",        "optimizer.beta2 = 0.95, expected 0.5",       true },
        {"optimizer.eps=0.5",          "optimizer.eps = 1e-08, expected 0.5",        true },
        {"optimizer.weight_decay=0.5", "optimizer.weight_decay = 0.1, expected 0.5", true },
        {"optimizer.momentum=0.5",     "optimizer.momentum = 0.9, expected 0.5",     true },
        {"optimizer.name=sgd",         "optimizer.name = 0, expected 1",             true },
        {"train.batch=16",             "train.batch = 32, expected 16",              false},
        {"train.microbatch=2",         "train.microbatch = 4, expected 2",           false},
        {"train.context=64",           "train.context = 256, expected 64",           false},
        {"data.sources.0.weight=3",    "a source's share = 0.25, expected 0.5",      false},
        {"data.sources.2.path=c",      "the number of sources = 2, expected 3",      false},
    };
    Trireme__Config *used = config_with(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        Trireme__Config *told = config_with(cases[i].setting);
        assert_int_equal(check(used, told, cases[i].server, &err), -1);
        assert_int_equal(err.code, ERR_MACHINE);
        assert_contains(err.text, "rank x computes the fork with ");
        assert_contains(err.text, cases[i].sentence);
        message_free(told);
    }
    message_free(used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rank_that_computes_with_what_it_was_told_passes),
        cmocka_unit_test(each_value_that_a_rank_has_otherwise_is_named_with_both_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
