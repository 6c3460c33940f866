/* Configurations that earlier versions wrote. */
#include "tests/unit/support.h"

#include "proto/file/earlier.h"
#include "proto/schema/message.h"
#include "proto/schema/node.h"
#include "proto/schema/read.h"

#include "files.pb-c.h"

static struct node *must_read_tree(const char *yaml)
{
    struct err err;
    struct node *root = yaml_node_read(yaml, strlen(yaml), "here", true, ERR_USAGE, &err);
    if (!root)
        fail_msg("%s", err.text);
    return root;
}

/* Amends that text and checks what is said of it; returns what the configuration is then. */
static Trireme__Config *amend(const char *yaml, const char *said)
{
    struct err err;
    struct node *root = must_read_tree(yaml);
    char *found = earlier_config(root);
    if (said)
        assert_string_equal(found ? found : "nothing", said);
    else
        assert_null(found);
    free(found);
    Trireme__Config *config = message_new(&trireme__config__descriptor);
    if (node_read(config, root, "here", ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
    return config;
}

static void what_means_nothing_any_more_is_dropped_and_named(void **state)
{
    (void)state;
    Trireme__Config *config =
        amend("gate: {alpha: 0.2, hypotheses: 10, beta: 0.1, margin: 0.01, share: 0.5, confirm: "
              "true}\ntrain: {steps: 7}",
              "gate.beta, gate.confirm mean nothing any more; gate.share 0.5 becomes 0.4");
    assert_true(config->gate->alpha == 0.2 && config->gate->hypotheses == 10);
    assert_true(config->gate->margin == 0.01 && config->gate->share == 0.4);
    assert_int_equal(config->train->steps, 7);
    message_free(config);
    message_free(amend("gate: {confirm: false}", "gate.confirm means nothing any more"));
    message_free(amend("gate: {share: 100}", "gate.share 100 becomes 0.4"));
}

static void what_this_version_writes_is_left_as_it_is(void **state)
{
    (void)state;
    Trireme__Config *config = amend("gate: {alpha: 0.2, share: 0.4, stake: 0.1}", NULL);
    assert_true(config->gate->share == 0.4 && config->gate->stake == 0.1);
    message_free(config);
    message_free(amend("gate: {share: 0.1}", NULL));
    message_free(amend("train: {steps: 7}", NULL));
    message_free(amend("", NULL));
}

static void other_keys_stay_and_are_refused_as_before(void **state)
{
    (void)state;
    static const char *const texts[] = {"beta: 0.1",          "confirm: true", "gate: {betas: 0.1}",
                                        "train: {beta: 0.1}", "gate: [beta]",  "gate: beta",
                                        "gate: {share: many}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err;
        struct node *root = must_read_tree(texts[i]);
        Trireme__Config *config = message_new(&trireme__config__descriptor);
        assert_null(earlier_config(root));
        if (node_read(config, root, "here", ERR_USAGE, &err) == 0)
            fail_msg("'%s' was taken", texts[i]);
        message_free(config);
    }
    assert_null(earlier_config(NULL));
}

static void both_configurations_of_a_manifest_are_amended(void **state)
{
    (void)state;
    struct err err;
    struct node *root = must_read_tree("format: 1\n"
                                       "config: {gate: {beta: 0.1, share: 1}, train: {steps: 7}}\n"
                                       "asked: {gate: {confirm: true, share: 2}}");
    Trireme__Manifest *m = message_new(&trireme__manifest__descriptor);
    earlier_manifest(root);
    if (node_read(m, root, "here", ERR_DATA, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(m->config->gate->share == 0.4 && m->config->train->steps == 7);
    assert_true(m->asked->gate->share == 0.4);
    message_free(m);
    earlier_manifest(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_means_nothing_any_more_is_dropped_and_named),
        cmocka_unit_test(what_this_version_writes_is_left_as_it_is),
        cmocka_unit_test(other_keys_stay_and_are_refused_as_before),
        cmocka_unit_test(both_configurations_of_a_manifest_are_amended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
