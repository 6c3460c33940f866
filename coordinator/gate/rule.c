#include "coordinator/gate/rule.h"

const struct rule rule_default = {
    .stake = 0.033,
    .share = 0.25,
    .forks = 4,
    .first_steps = 40,
    .last = 0.6,
    .margin = 0.002,
    .tau = 0.05,
    .prior_nu = 4,
    .k_slow = 25,
    .k_fast = 6,
    .adopt = 0.95,
    .adopt_last = 0.90,
    .close = 0.25,
    .pairs = 6,
    .price = 0.25,
    .watch = 3,
    .back = 0.20,
    .keep = 0.80,
    .alpha = 0.10,
    .proof = 0.1,
    .looks = {3,   4,   6,   8  },
    .shares = {0.3, 0.3, 0.2, 0.2},
};

struct rule rule_of(const Trireme__Config *config)
{
    struct rule rule = rule_default;
    rule.stake = config->gate->stake;
    rule.share = config->gate->share;
    rule.margin = config->gate->margin;
    rule.alpha = config->gate->alpha;
    rule.forks = config->experiment->forks;
    return rule;
}

#define SET(field, value) (record->has_##field = 1, record->field = (value))

void rule_tell(Trireme__Rule *record, struct rule *rule, const Trireme__Config *config,
               uint64_t tokens)
{
    trireme__rule__init(record);
    SET(revision, RULE_REVISION);
    SET(tokens, tokens);
    SET(stake, rule->stake);
    SET(share, rule->share);
    SET(margin, rule->margin);
    SET(alpha, rule->alpha);
    SET(claims, config->gate->claims);
    SET(hypotheses, config->gate->hypotheses);
    SET(first_steps, rule->first_steps);
    SET(last, rule->last);
    SET(tau, rule->tau);
    SET(prior_nu, rule->prior_nu);
    SET(k_slow, rule->k_slow);
    SET(k_fast, rule->k_fast);
    SET(adopt, rule->adopt);
    SET(adopt_last, rule->adopt_last);
    SET(close, rule->close);
    SET(pairs, rule->pairs);
    SET(price, rule->price);
    SET(watch, rule->watch);
    SET(back, rule->back);
    SET(keep, rule->keep);
    SET(proof, rule->proof);
    record->n_looks = record->n_shares = RULE_LOOKS;
    record->looks = rule->looks;
    record->shares = rule->shares;
}
