/* The constants of a run, and their record. */
#include "tests/unit/coordinator/run/run_dir.h"

#include "coordinator/gate/rule.h"
#include "proto/schema/message.h"

#include <string.h>

static void a_run_that_sets_nothing_has_the_constants_of_the_rule(void **state)
{
    (void)state;
    Trireme__Config *config = run_dir_config(NULL);
    const struct rule rule = rule_of(config);
    assert_true(rule.stake == 0.033 && rule.share == 0.25 && rule.forks == 4 &&
                rule.margin == 0.002);
    assert_true(rule.stake == rule_default.stake && rule.share == rule_default.share);
    assert_true(rule.margin == rule_default.margin && rule.alpha == rule_default.alpha);
    assert_int_equal(rule.forks, rule_default.forks);
    assert_true(rule.first_steps == 40 && rule.last == 0.6 && rule.pairs == 6 && rule.watch == 3);
    assert_true(rule.tau == 0.05 && rule.prior_nu == 4 && rule.k_slow == 25 && rule.k_fast == 6);
    assert_true(rule.adopt == 0.95 && rule.adopt_last == 0.90 && rule.close == 0.25);
    assert_true(rule.price == 0.25 && rule.back == 0.20 && rule.keep == 0.80);
    assert_true(rule.alpha == 0.10 && rule.proof == 0.1);
    message_free(config);
}

static void a_run_sets_its_money_its_margin_its_errors_and_its_forks_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        double stake, share, margin, alpha;
        unsigned forks;
    } cases[] = {
        {"gate.stake=0.4",     0.4,   0.25, 0.002, 0.10, 4},
        {"gate.share=0.4",     0.033, 0.4,  0.002, 0.10, 4},
        {"gate.margin=0.01",   0.033, 0.25, 0.01,  0.10, 4},
        {"gate.alpha=0.05",    0.033, 0.25, 0.002, 0.05, 4},
        {"experiment.forks=2", 0.033, 0.25, 0.002, 0.10, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trireme__Config *config = run_dir_config(cases[i].setting);
        const struct rule rule = rule_of(config);
        struct rule expected = rule_default;
        expected.stake = cases[i].stake, expected.share = cases[i].share;
        expected.margin = cases[i].margin, expected.alpha = cases[i].alpha;
        expected.forks = cases[i].forks;
        Trireme__Rule found, wanted;
        struct rule copy = rule;
        rule_tell(&found, &copy, config, 5);
        rule_tell(&wanted, &expected, config, 5);
        assert_true(message_equal(&found, &wanted));
        assert_int_equal(rule.forks, expected.forks); // which is not told
        message_free(config);
    }
}

static void the_record_has_every_constant_that_a_decision_follows_from(void **state)
{
    (void)state;
    Trireme__Config *config = run_dir_config("gate.claims=all");
    struct rule rule = {
        .stake = 1,
        .share = 2,
        .first_steps = 3,
        .last = 4,
        .margin = 5,
        .tau = 6,
        .prior_nu = 7,
        .k_slow = 8,
        .k_fast = 9,
        .adopt = 10,
        .adopt_last = 11,
        .close = 12,
        .pairs = 13,
        .price = 14,
        .watch = 15,
        .back = 16,
        .keep = 17,
        .alpha = 18,
        .proof = 19,
        .looks = {20, 21, 22, 23},
        .shares = {24, 25, 26, 27},
    };
    Trireme__Rule r;
    rule_tell(&r, &rule, config, 1843200);
    assert_int_equal(r.revision, RULE_REVISION);
    assert_int_equal(r.tokens, 1843200);
    assert_int_equal(r.claims, TRIREME__GATE__CLAIMS__all);
    assert_int_equal(r.hypotheses, config->gate->hypotheses);
    assert_true(r.stake == 1 && r.share == 2 && r.first_steps == 3 && r.last == 4);
    assert_true(r.margin == 5 && r.tau == 6 && r.prior_nu == 7 && r.k_slow == 8 && r.k_fast == 9);
    assert_true(r.adopt == 10 && r.adopt_last == 11 && r.close == 12 && r.pairs == 13);
    assert_true(r.price == 14 && r.watch == 15 && r.back == 16 && r.keep == 17);
    assert_true(r.alpha == 18 && r.proof == 19);
    assert_true(r.n_looks == RULE_LOOKS && r.n_shares == RULE_LOOKS);
    for (int i = 0; i < RULE_LOOKS; i++)
        assert_true(r.looks[i] == 20 + (uint32_t)i && r.shares[i] == 24 + i);
    // each is told as set, also where it happens to be the default
    const ProtobufCMessageDescriptor *d = &trireme__rule__descriptor;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &d->fields[i];
        const unsigned *has = (const unsigned *)((const char *)&r + field->quantifier_offset);
        if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !*has)
            fail_msg("rule.%s is not told", field->name);
    }
    message_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_sets_nothing_has_the_constants_of_the_rule),
        cmocka_unit_test(a_run_sets_its_money_its_margin_its_errors_and_its_forks_and_nothing_else),
        cmocka_unit_test(the_record_has_every_constant_that_a_decision_follows_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
