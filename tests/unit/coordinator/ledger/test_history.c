/* The history that records add up to. */
#include "tests/unit/coordinator/ledger/record_fixture.h"

#include "base/mem.h"
#include "base/random.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"
#include "proto/schema/message.h"

static void add_record(struct history *history, const char *yaml)
{
    Trireme__Record *record = record_fixture(yaml);
    history_add_record(history, record);
    message_free(record);
}

static void propose(struct history *history, uint32_t number)
{
    char *yaml =
        mem_format("{kind: proposal, number: %u, step: %u, by: random, proposal: {id: p%u, "
                   "patch: {optimizer.lr: 0.00%u}, hypothesis: faster}}",
                   number, 100 * number, number, number);
    add_record(history, yaml);
    free(yaml);
}

/* Adds a record of the proposal with that number. */
static void add_record_of(struct history *history, uint32_t number, const char *rest)
{
    char *yaml = mem_format("{number: %u, %s}", number, rest);
    add_record(history, yaml);
    free(yaml);
}

static void begin_rule(struct history *history)
{
    add_record(history, "{kind: rule, rule: {revision: 2, tokens: 1000000}}");
}

/* Adds the records of a hypothesis that is being tried. */
static void open_one(struct history *history, uint32_t number)
{
    propose(history, number);
    add_record_of(history, number, "kind: validation, validation: {accepted: true, next: queued}");
    add_record_of(history, number, "kind: hypothesis, plan: {margin: 0.002}");
}

/* The trunk goes on with an open one from step 500 on. */
static void promote(struct history *history, uint32_t number, const char *patch)
{
    add_record_of(history, number, "kind: verdict, judgement: {outcome: adopted, pairs: 3}");
    char *yaml = mem_format(
        "kind: promotion, step: 500, promotion: {trial: 4, adopted: true, patch: {%s}}", patch);
    add_record_of(history, number, yaml);
    free(yaml);
}

static void adopt(struct history *history, uint32_t number, const char *patch)
{
    if (!history->rule)
        begin_rule(history);
    open_one(history, number);
    promote(history, number, patch);
}

static void watch(struct history *history, uint32_t number)
{
    add_record_of(history, number, "kind: hypothesis, plan: {reverse: true}");
}

/* A stretch from a step on of these numbers: {number: 1} or {number: 1, reverse: true}. */
static void begin_stretch(struct history *history, uint64_t step, const char *arms)
{
    char *yaml = mem_format("{kind: stretch, step: %llu, stretch: {horizon: 10, tail: 5, windows: "
                            "64, step_tokens: 100, arms: [%s]}}",
                            (unsigned long long)step, arms);
    add_record(history, yaml);
    free(yaml);
}

static void observe(struct history *history, uint32_t number, uint64_t tokens)
{
    char *yaml = mem_format("kind: observation, observation: {trunk_loss: 2.5, fork_loss: 2.25, "
                            "tokens: %llu}",
                            (unsigned long long)tokens);
    add_record_of(history, number, yaml);
    free(yaml);
}

static void decide(struct history *history, uint64_t step, uint64_t tokens, uint64_t planners)
{
    char *yaml = mem_format(
        "{kind: decision, step: %llu, decision: {tokens: %llu, planners: %llu}}",
        (unsigned long long)step, (unsigned long long)tokens, (unsigned long long)planners);
    add_record(history, yaml);
    free(yaml);
}

static void assert_spent(const struct history *history, uint64_t spent, uint64_t since)
{
    if (history->spent != spent || history->since != since)
        fail_msg("found %llu spent and %llu since the last adoption, expected %llu and %llu",
                 (unsigned long long)history->spent, (unsigned long long)history->since,
                 (unsigned long long)spent, (unsigned long long)since);
}

static void assert_in_force(const struct history *history, const char *expected)
{
    char *all = mem_strdup("");
    for (size_t i = 0; i < history->n_promoted; i++) {
        char *more =
            mem_format("%s%s=%s ", all, history->promoted[i]->path, history->promoted[i]->value);
        free(all);
        all = more;
    }
    assert_string_equal(all, expected);
    free(all);
}

static void a_validation_refuses_queues_observes_or_waits(void **state)
{
    (void)state;
    static const struct {
        const char *validation;
        enum fate fate;
        const char *reason;
    } cases[] = {
        {"{accepted: false, reason: too large}", FATE_REFUSED,  "too large"},
        {"{accepted: true, next: queued}",       FATE_QUEUED,   NULL       },
        {"{accepted: true, next: waiting}",      FATE_WAITING,  NULL       },
        {"{accepted: true, next: observed}",     FATE_OBSERVED, NULL       },
    };
    struct history history = {0};
    for (uint32_t i = 0; i < 4; i++) {
        propose(&history, i + 1);
        struct entry *entry = history_entry(&history, i + 1);
        assert_int_equal(entry->fate, FATE_PROPOSED);
        assert_int_equal(entry->step, 100 * (i + 1));
        assert_string_equal(entry->by, "random");
        assert_string_equal(entry->proposal->patch[0]->path, "optimizer.lr");
        char *yaml = mem_format("kind: validation, validation: %s", cases[i].validation);
        add_record_of(&history, i + 1, yaml);
        free(yaml);
        assert_int_equal(entry->fate, cases[i].fate);
        if (cases[i].reason)
            assert_string_equal(entry->reason, cases[i].reason);
        else
            assert_null(entry->reason);
    }
    assert_int_equal(history.n, 4);
    assert_int_equal(history.registered, 0);
    history_clear(&history);
}

static void orders_approve_and_veto_what_is_not_yet_tried(void **state)
{
    (void)state;
    static const struct {
        const char *next, *order;
        enum fate fate;
    } cases[] = {
        {"waiting",  "approve", FATE_QUEUED  },
        {"waiting",  "veto",    FATE_VETOED  },
        {"queued",   "veto",    FATE_VETOED  },
        {"queued",   "approve", FATE_QUEUED  },
        {"observed", "approve", FATE_OBSERVED},
        {"observed", "veto",    FATE_OBSERVED},
        {"waiting",  "kill",    FATE_WAITING },
    };
    struct history history = {0};
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        propose(&history, i + 1);
        char *yaml =
            mem_format("kind: validation, validation: {accepted: true, next: %s}", cases[i].next);
        add_record_of(&history, i + 1, yaml);
        free(yaml);
        yaml = mem_format("kind: order, order: %s", cases[i].order);
        add_record_of(&history, i + 1, yaml);
        free(yaml);
        if (history_entry(&history, i + 1)->fate != cases[i].fate)
            fail_msg("%s %s gives %s", cases[i].order, cases[i].next,
                     entry_word(history_entry(&history, i + 1)));
    }
    open_one(&history, 20);
    add_record_of(&history, 20, "kind: order, order: veto");
    assert_int_equal(history_entry(&history, 20)->fate, FATE_OPEN); // its verdict follows
    add_record_of(
        &history, 20,
        "kind: verdict, judgement: {outcome: closed, cause: vetoed, reason: by a person}");
    assert_int_equal(history_entry(&history, 20)->fate, FATE_CLOSED);
    assert_string_equal(entry_word(history_entry(&history, 20)), "vetoed");
    assert_string_equal(history_entry(&history, 20)->reason, "by a person");
    history_clear(&history);
}

static void pairs_belong_to_the_attempt_that_is_current_and_cost_tokens(void **state)
{
    (void)state;
    struct history history = {0};
    begin_rule(&history);
    open_one(&history, 1);
    struct entry *entry = history_entry(&history, 1);
    assert_int_equal(history.registered, 1);
    add_record_of(&history, 1, "kind: application, application: {pair: 0, trial: 2, step: 40}");
    observe(&history, 1, 1000);
    assert_int_equal(entry->forward.n_pairs, 1);
    assert_int_equal(entry->forward.application->trial, 2);
    promote(&history, 1, "optimizer.lr: 0.001");
    watch(&history, 1);
    assert_int_equal(entry->fate, FATE_ADOPTED);
    assert_int_equal(history.registered, 1); // no hypothesis of its own
    add_record_of(&history, 1, "kind: application, application: {pair: 0, trial: 7, step: 500}");
    for (int i = 0; i < 2; i++)
        add_record_of(
            &history, 1,
            "kind: observation, observation: {trunk_loss: 2.25, fork_loss: 2.5, tokens: 10}");
    assert_int_equal(entry->forward.n_pairs, 1);
    assert_int_equal(entry->reverse.n_pairs, 2);
    assert_true(entry->reverse.pairs[1]->fork_loss == 2.5);
    assert_int_equal(entry->reverse.application->trial, 7);
    assert_int_equal(entry->forward.application->trial, 2);
    assert_spent(&history, 1020, 0);
    add_record_of(&history, 1,
                  "kind: verdict, judgement: {outcome: kept, pairs: 2, mean: 0.2, deviation: 0.01, "
                  "probability: 0.875}");
    assert_int_equal(entry->fate, FATE_KEPT);
    assert_true(entry->judgement->deviation == 0.01);
    assert_true(entry->reverse.judgement->probability == 0.875);
    assert_int_equal(entry->forward.judgement->outcome, TRIREME__JUDGEMENT__OUTCOME__adopted);
    history_clear(&history);
}

static void each_verdict_has_its_fate(void **state)
{
    (void)state;
    static const struct {
        const char *outcome;
        bool adopted; /* of one that was, and is watched */
        enum fate fate;
        bool open; /* it goes on */
    } cases[] = {
        {"open",       false, FATE_OPEN,    true },
        {"closed",     false, FATE_CLOSED,  false},
        {"returned",   false, FATE_QUEUED,  false},
        {"adopted",    false, FATE_OPEN,    true }, // until the promotion's own record
        {"open",       true,  FATE_ADOPTED, true },
        {"kept",       true,  FATE_KEPT,    false},
        {"taken_back", true,  FATE_ADOPTED, true }, // until the rollback's own record
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct history history = {0};
        begin_rule(&history);
        open_one(&history, 1);
        if (cases[i].adopted) {
            promote(&history, 1, "optimizer.lr: 0.001");
            watch(&history, 1);
        }
        char *yaml = mem_format("kind: verdict, judgement: {outcome: %s, pairs: 4, cause: gains}",
                                cases[i].outcome);
        add_record_of(&history, 1, yaml);
        free(yaml);
        const struct entry *e = history_entry(&history, 1);
        if (e->fate != cases[i].fate || !attempt_open(e) != !cases[i].open)
            fail_msg("case %u, %s: found %s", i, cases[i].outcome, entry_word(e));
        assert_int_equal(e->judgement->pairs, 4);
        assert_int_equal(history.registered, 1);
        assert_false(history.first_rule);
        history_clear(&history);
    }
}

static void what_waits_can_be_closed_and_was_no_hypothesis(void **state)
{
    (void)state;
    struct history history = {0};
    propose(&history, 30);
    add_record_of(&history, 30, "kind: validation, validation: {accepted: true, next: waiting}");
    add_record_of(
        &history, 30,
        "kind: verdict, judgement: {outcome: closed, cause: time, reason: too little is left}");
    assert_int_equal(history_entry(&history, 30)->fate, FATE_CLOSED);
    assert_string_equal(entry_word(history_entry(&history, 30)), "no time");
    assert_string_equal(history_entry(&history, 30)->reason, "too little is left");
    assert_int_equal(history.registered, 0);
    history_clear(&history);
}

static void a_ledger_of_the_first_rule_is_shown_by_its_own_fates(void **state)
{
    (void)state;
    static const struct {
        const char *outcome;
        enum fate fate;
    } cases[] = {
        {"open",         FATE_OPEN        },
        {"promote",      FATE_OPEN        }, // until the promotion's own record
        {"reject",       FATE_REJECTED    },
        {"inconclusive", FATE_INCONCLUSIVE},
        {"confirmed",    FATE_CONFIRMED   },
        {"unconfirmed",  FATE_UNCONFIRMED },
        {"rolled_back",  FATE_ROLLED_BACK },
    };
    struct history history = {0};
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_one(&history, i + 1);
        char *yaml =
            mem_format("kind: verdict, judgement: {outcome: %s, pairs: 4}", cases[i].outcome);
        add_record_of(&history, i + 1, yaml);
        free(yaml);
        assert_int_equal(history_entry(&history, i + 1)->fate, cases[i].fate);
    }
    assert_true(history.first_rule);
    assert_int_equal(history.registered, 7);
    promote(&history, 1, "optimizer.lr: 0.001");
    assert_int_equal(history_entry(&history, 1)->fate, FATE_PROMOTED);
    add_record_of(&history, 1, "kind: verdict, judgement: {outcome: unconfirmed, reason: x}");
    assert_int_equal(history_entry(&history, 1)->fate, FATE_UNCONFIRMED);
    add_record_of(&history, 1,
                  "kind: rollback, step: 700, promotion: {patch: {optimizer.lr: 0.01}}");
    assert_int_equal(history_entry(&history, 1)->fate, FATE_ROLLED_BACK);
    history_clear(&history);
}

static void hypotheses_are_of_the_first_rule_where_none_is_recorded_before_them(void **state)
{
    (void)state;
    struct history history = {0};
    propose(&history, 1);
    assert_false(history.first_rule); // no rule has tried it yet
    begin_rule(&history);
    add_record_of(&history, 1, "kind: hypothesis, plan: {slow: true}");
    assert_false(history.first_rule);
    assert_int_equal(history.rule->revision, 2);
    history_clear(&history);
    open_one(&history, 1);
    assert_true(history.first_rule);
    begin_rule(&history); // too late
    assert_true(history.first_rule);
    history_clear(&history);
}

static void a_stretch_has_its_arms_until_its_decision(void **state)
{
    (void)state;
    struct history history = {0};
    begin_rule(&history);
    for (uint32_t number = 1; number <= 3; number++)
        open_one(&history, number);
    assert_null(history.stretch);
    begin_stretch(&history, 40, "{number: 1}, {number: 3}");
    assert_int_equal(history.stretch_start, 40);
    assert_true(history.stretch->horizon == 10 && history.stretch->n_arms == 2);
    assert_true(history_entry(&history, 1)->in_stretch && history_entry(&history, 3)->in_stretch);
    assert_false(history_entry(&history, 2)->in_stretch);
    observe(&history, 1, 5);
    observe(&history, 3, 5);
    assert_non_null(history.stretch);
    decide(&history, 50, 4, 4);
    assert_null(history.stretch);
    assert_int_equal(history.ended_at, 50);
    assert_false(history_entry(&history, 1)->in_stretch || history_entry(&history, 3)->in_stretch);
    history_clear(&history);
}

static void who_is_closed_leaves_the_stretch_and_the_last_one_ends_it(void **state)
{
    (void)state;
    struct history history = {0};
    begin_rule(&history);
    open_one(&history, 1);
    open_one(&history, 2);
    begin_stretch(&history, 40, "{number: 1}, {number: 2}");
    add_record_of(&history, 2,
                  "kind: verdict, step: 44, judgement: {outcome: closed, cause: killed, tokens: "
                  "400}");
    assert_non_null(history.stretch);
    assert_false(history_entry(&history, 2)->in_stretch);
    assert_true(history_entry(&history, 1)->in_stretch);
    add_record_of(&history, 1,
                  "kind: verdict, step: 46, judgement: {outcome: closed, cause: memory, tokens: "
                  "600}");
    assert_null(history.stretch);
    assert_int_equal(history.ended_at, 46);
    assert_spent(&history, 1000, 1000);
    history_clear(&history);
}

static void a_claim_that_ends_after_its_watch_leaves_the_stretch(void **state)
{
    (void)state;
    struct history history = {0};
    adopt(&history, 1, "optimizer.lr: 0.001");
    watch(&history, 1);
    add_record_of(&history, 1, "kind: claim, step: 500, claim: {t: 1, alpha: 0.05, answer: open}");
    add_record_of(&history, 1, "kind: verdict, step: 510, judgement: {outcome: kept, pairs: 1}");
    begin_stretch(&history, 510, "{number: 1, reverse: true}");
    add_record_of(&history, 1,
                  "kind: verdict, step: 514, judgement: {outcome: kept, cause: killed, tokens: "
                  "400}");
    assert_non_null(history.stretch); // the claim is open
    add_record_of(&history, 1,
                  "kind: claim, step: 514, claim: {t: 1, answer: unproven, cause: killed}");
    assert_null(history.stretch);
    assert_int_equal(history.ended_at, 514);
    assert_false(history_entry(&history, 1)->in_stretch);
    assert_spent(&history, 400, 0);
    history_clear(&history);
}

static void one_that_returns_waits_again_without_its_pairs_under_its_number(void **state)
{
    (void)state;
    struct history history = {0};
    begin_rule(&history);
    open_one(&history, 1);
    for (int i = 0; i < 2; i++)
        observe(&history, 1, 100);
    const struct entry *e = history_entry(&history, 1);
    assert_int_equal(attempt_next_pair(&e->forward), 2);
    add_record_of(&history, 1,
                  "kind: verdict, step: 70, judgement: {outcome: returned, cause: superseded, "
                  "reason: hypothesis 2 is part of the recipe now}");
    assert_true(e->fate == FATE_QUEUED && e->returned && entry_is_pending(e));
    assert_int_equal(e->forward.n_pairs, 0);
    assert_int_equal(attempt_next_pair(&e->forward), 2); // no name of a fork is used twice
    assert_string_equal(e->reason, "hypothesis 2 is part of the recipe now");
    add_record_of(&history, 1, "kind: hypothesis, step: 80, plan: {margin: 0.002}");
    assert_int_equal(history.registered, 1); // it has its number already
    assert_int_equal(e->fate, FATE_OPEN);
    observe(&history, 1, 100);
    assert_int_equal(e->forward.n_pairs, 1);
    assert_int_equal(attempt_next_pair(&e->forward), 3);
    assert_spent(&history, 300, 300); // what it cost it cost
    history_clear(&history);
}

static void claims_are_counted_when_they_are_registered_and_when_they_are_made(void **state)
{
    (void)state;
    struct history history = {0};
    adopt(&history, 1, "optimizer.lr: 0.001");
    watch(&history, 1);
    const struct entry *e = history_entry(&history, 1);
    assert_false(entry_claims(e));
    add_record_of(&history, 1, "kind: claim, claim: {t: 1, alpha: 0.05, answer: open}");
    assert_true(entry_claims(e));
    assert_true(history.claims == 1 && history.claimed == 0);
    add_record_of(&history, 1, "kind: verdict, judgement: {outcome: kept, pairs: 2}");
    assert_ptr_equal(attempt_open(e), &e->reverse); // for the claim
    assert_string_equal(entry_word(e), "kept");
    add_record_of(&history, 1,
                  "kind: claim, claim: {t: 1, alpha: 0.05, answer: claimed, pairs: 4, mean: 0.06}");
    assert_true(history.claims == 1 && history.claimed == 1);
    assert_false(entry_claims(e));
    assert_null(attempt_open(e));
    assert_string_equal(entry_word(e), "claimed");
    assert_true(e->claim->mean == 0.06);
    adopt(&history, 2, "optimizer.clip: 2");
    watch(&history, 2);
    add_record_of(&history, 2, "kind: claim, claim: {t: 2, alpha: 0.03, answer: open}");
    add_record_of(&history, 2, "kind: claim, claim: {t: 2, alpha: 0.03, answer: unproven}");
    assert_true(history.claims == 2 && history.claimed == 1);
    assert_string_equal(entry_word(history_entry(&history, 2)), "adopted");
    history_clear(&history);
}

static void a_claimed_change_that_is_taken_back_is_not_called_claimed_any_more(void **state)
{
    (void)state;
    struct history history = {0};
    adopt(&history, 1, "optimizer.lr: 0.001");
    watch(&history, 1);
    add_record_of(&history, 1, "kind: verdict, judgement: {outcome: kept}");
    add_record_of(&history, 1, "kind: claim, claim: {t: 1, answer: claimed}");
    add_record_of(&history, 1,
                  "kind: rollback, step: 700, promotion: {patch: {optimizer.lr: 0.01}}");
    assert_string_equal(entry_word(history_entry(&history, 1)), "taken back");
    history_clear(&history);
}

static void windows_are_taken_up_to_the_furthest_that_any_stretch_read(void **state)
{
    (void)state;
    struct history history = {0};
    begin_rule(&history);
    assert_int_equal(history.n_windows_taken, 0);
    add_record(&history, "{kind: decision, step: 50, decision: {windows_taken: [64, 10]}}");
    add_record(&history, "{kind: decision, step: 60, decision: {windows_taken: [60, 30]}}");
    assert_int_equal(history.n_windows_taken, 2);
    assert_true(history.windows_taken[0] == 64 && history.windows_taken[1] == 30);
    add_record(&history, "{kind: decision, step: 70, decision: {tokens: 3}}"); // nobody read
    add_record(&history, "{kind: decision, step: 80, decision: {windows_taken: [70, 30, 5]}}");
    assert_int_equal(history.n_windows_taken, 3);
    assert_true(history.windows_taken[0] == 70 && history.windows_taken[2] == 5);
    history_clear(&history);
}

/* Drawn campaigns, of which every record's cost is added up beside the history. */
static void tokens_add_up_of_observations_decisions_and_closings(void **state)
{
    (void)state;
    uint64_t next = 0;
    for (int campaign = 0; campaign < 50; campaign++) {
        struct history history = {0};
        uint64_t spent = 0, since = 0;
        uint32_t number = 0, watched = 0;
        begin_rule(&history);
        for (uint64_t step = 40; step < 300; step += 10) {
            const uint32_t newest = ++number;
            const bool adopts = random_u64(1, next++) % 5 == 0,
                       kills = random_u64(2, next++) % 4 == 0;
            open_one(&history, newest);
            char *arms =
                watched ? mem_format("{number: %u}, {number: %u, reverse: true}", newest, watched)
                        : mem_format("{number: %u}", newest);
            begin_stretch(&history, step, arms);
            free(arms);
            const uint64_t own = random_u64(3, next++) % 1000, old = random_u64(3, next++) % 1000,
                           beside = random_u64(3, next++) % 1000, part = beside / 2;
            if (watched) {
                observe(&history, watched, old);
                spent += old;
            }
            if (kills) {
                char *yaml = mem_format("kind: verdict, step: %llu, judgement: {outcome: closed, "
                                        "cause: killed, tokens: %llu}",
                                        (unsigned long long)step + 3, (unsigned long long)own);
                add_record_of(&history, newest, yaml);
                free(yaml);
            } else {
                observe(&history, newest, own);
            }
            spent += own, since += own;
            if (history.stretch) {
                decide(&history, step + 10, beside, part);
                spent += beside, since += part;
            }
            assert_spent(&history, spent, since);
            if (!kills && adopts) {
                promote(&history, newest, "optimizer.lr: 0.001");
                assert_spent(&history, spent, 0);
                watch(&history, newest);
                watched = newest, since = 0;
            } else if (!kills) {
                add_record_of(&history, newest, "kind: verdict, judgement: {outcome: closed}");
            }
            assert_spent(&history, spent, since);
        }
        history_clear(&history);
    }
}

static void reverse_arms_count_in_what_is_spent_and_never_in_the_stake(void **state)
{
    (void)state;
    struct history history = {0};
    adopt(&history, 1, "optimizer.lr: 0.001");
    watch(&history, 1);
    for (uint64_t i = 1; i <= 3; i++) {
        begin_stretch(&history, 490 + 10 * i, "{number: 1, reverse: true}");
        observe(&history, 1, 100);
        decide(&history, 500 + 10 * i, 7, 0);
        assert_spent(&history, 107 * i, 0);
    }
    begin_stretch(&history, 530, "{number: 1, reverse: true}");
    add_record_of(
        &history, 1,
        "kind: verdict, step: 534, judgement: {outcome: kept, cause: killed, tokens: 40}");
    assert_spent(&history, 361, 0);
    add_record_of(&history, 1, "kind: rollback, step: 540, promotion: {patch: {optimizer.lr: 1}}");
    open_one(&history, 2);
    observe(&history, 2, 30);
    assert_spent(&history, 391, 30);
    history_clear(&history);
}

static void what_was_judged_or_vetoed_tells_and_what_ended_otherwise_does_not(void **state)
{
    (void)state;
    static const struct {
        const char *judgement;
        bool tells;
    } cases[] = {
        {"outcome: open",                                                  true },
        {"outcome: adopted, cause: gains",                                 true },
        {"outcome: kept, cause: gains",                                    true },
        {"outcome: returned, cause: superseded",                           true },
        {"outcome: closed, cause: beaten",                                 true },
        {"outcome: closed, cause: no_hope",                                true },
        {"outcome: closed, cause: no_sign",                                true },
        {"outcome: closed, cause: without_effect",                         true },
        {"outcome: closed, cause: diverged",                               true },
        {"outcome: closed, cause: vetoed",                                 true },
        {"outcome: closed, cause: memory, machine: true, reason: x",       false},
        {"outcome: closed, cause: lost, machine: true, reason: x",         false},
        {"outcome: closed, cause: failed, reason: x",                      false},
        {"outcome: closed, cause: killed, reason: killed",                 false},
        {"outcome: closed, cause: superseded, reason: x",                  false},
        {"outcome: closed, cause: money, reason: x",                       false},
        {"outcome: closed, cause: time, reason: x",                        false},
        {"outcome: closed, cause: overruled, reason: x",                   false},
        {"outcome: closed, cause: unfit, reason: x",                       false},
 // of the first rule
        {"outcome: inconclusive, cause: gains",                            true },
        {"outcome: reject, cause: gains",                                  true },
        {"outcome: reject, cause: diverged, reason: it diverged",          true },
        {"outcome: inconclusive, cause: no_spread, reason: no spread",     true },
        {"outcome: inconclusive, cause: vetoed, reason: vetoed",           true },
        {"outcome: confirmed, cause: gains",                               true },
        {"outcome: unconfirmed, cause: not_wanted, reason: x",             true },
        {"outcome: rolled_back, cause: gains",                             true },
        {"outcome: inconclusive, cause: trunk_diverged, reason: x",        false},
        {"outcome: inconclusive, cause: memory, machine: true, reason: x", false},
        {"outcome: inconclusive, cause: lost, machine: true, reason: x",   false},
        {"outcome: inconclusive, cause: failed, reason: x",                false},
        {"outcome: inconclusive, cause: killed, reason: killed",           false},
        {"outcome: inconclusive, cause: superseded, reason: x",            false},
        {"outcome: inconclusive, cause: money, reason: x",                 false},
        {"outcome: inconclusive, cause: time, reason: x",                  false},
        {"outcome: inconclusive, cause: overruled, reason: x",             false},
        {"outcome: inconclusive, cause: unfit, reason: x",                 false},
 // of an earlier version
        {"outcome: inconclusive",                                          true },
        {"outcome: inconclusive, reason: killed",                          false},
        {"outcome: reject, reason: its training diverged",                 true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct history history = {0};
        if (strstr(cases[i].judgement, "closed"))
            begin_rule(&history);
        open_one(&history, 1);
        char *yaml = mem_format("kind: verdict, judgement: {%s}", cases[i].judgement);
        add_record_of(&history, 1, yaml);
        if (entry_tells(history_entry(&history, 1)) != cases[i].tells)
            fail_msg("%s: expected that it %s", cases[i].judgement,
                     cases[i].tells ? "tells" : "does not");
        free(yaml);
        history_clear(&history);
    }
}

static void a_path_is_in_force_with_its_newest_value_and_taking_back_restores_it(void **state)
{
    (void)state;
    struct history history = {0};
    adopt(&history, 1, "optimizer.lr: 0.001, optimizer.clip: 2");
    assert_int_equal(history_entry(&history, 1)->fate, FATE_ADOPTED);
    assert_int_equal(history_entry(&history, 1)->promoted_at, 500);
    assert_in_force(&history, "optimizer.lr=0.001 optimizer.clip=2 ");
    adopt(&history, 2, "optimizer.lr: 0.002, schedule.warmup: 10");
    assert_in_force(&history, "optimizer.clip=2 optimizer.lr=0.002 schedule.warmup=10 ");
    watch(&history, 2);
    add_record_of(&history, 2, "kind: verdict, judgement: {outcome: taken_back, probability: 0.1}");
    assert_in_force(&history, "optimizer.clip=2 optimizer.lr=0.002 schedule.warmup=10 ");
    add_record_of(
        &history, 2,
        "kind: rollback, step: 700, promotion: {patch: {optimizer.lr: 0.001, schedule.warmup: "
        "50}}");
    assert_in_force(&history, "optimizer.clip=2 optimizer.lr=0.001 schedule.warmup=50 ");
    assert_int_equal(history_entry(&history, 2)->fate, FATE_TAKEN_BACK);
    assert_null(history_watched(&history));
    assert_string_equal(history_entry(&history, 2)->promotion->patch[0]->value, "0.002");
    history_clear(&history);
}

static void that_there_is_no_inverse_leaves_the_forward_pairs_their_verdict(void **state)
{
    (void)state;
    struct history history = {0};
    adopt(&history, 1, "data.skip: 5");
    add_record_of(&history, 1,
                  "kind: verdict, judgement: {outcome: kept, pairs: 0, cause: no_inverse, reason: "
                  "the change has no inverse}");
    const struct entry *entry = history_entry(&history, 1);
    assert_int_equal(entry->forward.judgement->outcome, TRIREME__JUDGEMENT__OUTCOME__adopted);
    assert_int_equal(entry->forward.judgement->pairs, 3);
    assert_null(entry->reverse.judgement);
    assert_int_equal(entry->judgement->outcome, TRIREME__JUDGEMENT__OUTCOME__kept);
    assert_int_equal(entry->fate, FATE_KEPT);
    assert_null(attempt_open(entry));
    assert_string_equal(entry->reason, "the change has no inverse");
    history_clear(&history);
}

static void
the_newest_promotion_rollback_or_change_by_hand_says_since_when_the_recipe_is_in_force(void **state)
{
    (void)state;
    struct history history = {0};
    begin_rule(&history);
    open_one(&history, 1);
    add_record_of(&history, 1, "kind: verdict, step: 480, judgement: {outcome: adopted}");
    assert_int_equal(history.changed_at, 0);
    adopt(&history, 2, "optimizer.lr: 0.001");
    assert_int_equal(history.changed_at, 500);
    add_record_of(&history, 1,
                  "kind: promotion, step: 600, promotion: {patch: {optimizer.clip: 2}}");
    assert_int_equal(history.changed_at, 600);
    add_record_of(&history, 1, "kind: verdict, step: 650, judgement: {outcome: kept}");
    assert_int_equal(history.changed_at, 600);
    add_record_of(&history, 2,
                  "kind: rollback, step: 700, promotion: {patch: {optimizer.lr: 0.01}}");
    assert_int_equal(history.changed_at, 700);
    add_record_of(&history, 2, "kind: correction, step: 750, by: person");
    assert_int_equal(history.changed_at, 700);
    add_record_of(&history, 2, "kind: correction, step: 800, by: person, recipe: true");
    assert_int_equal(history.changed_at, 800);
    history_clear(&history);
}

static void what_an_operator_sets_by_hand_is_no_promotion_any_more(void **state)
{
    (void)state;
    struct history history = {0};
    adopt(&history, 1, "optimizer.lr: 0.001, optimizer.clip: 2");
    add_record(&history, "{kind: correction, text: the launch had other kernels}");
    assert_in_force(&history, "optimizer.lr=0.001 optimizer.clip=2 ");
    add_record(&history,
               "{kind: correction, promotion: {patch: {optimizer.lr: 0.005, data.skip: 1}}}");
    assert_in_force(&history, "optimizer.clip=2 ");
    history_clear(&history);
}

static void records_of_no_known_proposal_change_nothing(void **state)
{
    (void)state;
    struct history history = {0};
    propose(&history, 3);
    propose(&history, 3); // again, and one that comes too late
    propose(&history, 2);
    propose(&history, 0);
    assert_int_equal(history.n, 1);
    static const char *const kinds[] = {"event",       "validation",  "order",   "hypothesis",
                                        "application", "observation", "verdict", "promotion",
                                        "rollback",    "claim"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (uint32_t number = 0; number < 6; number += 5) {
            char *yaml = mem_format(
                "kind: %s, observation: {tokens: 5}, promotion: {patch: {a: 1}}, claim: {t: 1}",
                kinds[i]);
            add_record_of(&history, number, yaml);
            free(yaml);
        }
    add_record_of(&history, 3, "kind: event, text: something");
    assert_int_equal(history_entry(&history, 3)->fate, FATE_PROPOSED);
    assert_null(history_entry(&history, 0));
    assert_null(history_entry(&history, 2));
    assert_spent(&history, 0, 0);
    assert_true(history.registered == 0 && history.claims == 0);
    assert_in_force(&history, "");
    history_clear(&history);
}

static void assert_order_refused(const struct history *history, uint32_t number,
                                 Trireme__Order order, const char *sentence)
{
    struct err err = {0};
    assert_int_equal(history_check_order(history, number, order, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(err.text, sentence);
}

static void an_order_is_taken_where_it_fits_the_fate(void **state)
{
    (void)state;
    static const char *const expected[] = {
        [TRIREME__ORDER__approve] = "one that waits for approval",
        [TRIREME__ORDER__veto] = "one that waits, is queued or is open",
        [TRIREME__ORDER__kill] = "one that is queued, open, or watched",
    };
    static const bool fits[][3] = {
  // clang-format off
        [FATE_WAITING]     = {true,  true,  false},
        [FATE_QUEUED]      = {false, true,  true },
        [FATE_OPEN]        = {false, true,  true },
        [FATE_ROLLED_BACK] = {false, false, false}, // and so are all others
  // clang-format on
    };
    struct history history = {0};
    open_one(&history, 7);
    add_record_of(&history, 7, "kind: verdict, judgement: {outcome: open}");
    for (int fate = FATE_PROPOSED; fate <= FATE_ROLLED_BACK; fate++)
        for (int i = 0; i < 3; i++) {
            struct err err = {.text = ""};
            history_entry(&history, 7)->fate = (enum fate)fate;
            if (fits[fate][i] && history_check_order(&history, 7, (Trireme__Order)i, &err) < 0)
                fail_msg("%d: %s", i, err.text);
            if (!fits[fate][i]) {
                char *sentence = mem_format("proposal 7 is %s, expected %s",
                                            entry_word(history_entry(&history, 7)), expected[i]);
                assert_order_refused(&history, 7, (Trireme__Order)i, sentence);
                free(sentence);
            }
        }
    history_clear(&history);
}

static void an_adoption_can_be_killed_while_it_is_watched_or_its_claim_is_open(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    struct history history = {0};
    adopt(&history, 1, "optimizer.lr: 0.001");
    watch(&history, 1);
    if (history_check_order(&history, 1, TRIREME__ORDER__kill, &err) < 0)
        fail_msg("%s", err.text);
    assert_order_refused(&history, 1, TRIREME__ORDER__approve,
                         "proposal 1 is adopted, expected one that waits for approval");
    assert_order_refused(&history, 1, TRIREME__ORDER__veto,
                         "proposal 1 is adopted, expected one that waits, is queued or is open");
    add_record_of(&history, 1, "kind: claim, claim: {t: 1, answer: open}");
    add_record_of(&history, 1, "kind: verdict, judgement: {outcome: kept}");
    if (history_check_order(&history, 1, TRIREME__ORDER__kill, &err) < 0)
        fail_msg("%s", err.text);
    add_record_of(&history, 1, "kind: claim, claim: {t: 1, answer: unproven}");
    assert_order_refused(&history, 1, TRIREME__ORDER__kill,
                         "proposal 1 is kept, expected one that is queued, open, or watched");
    history_clear(&history);
}

static void an_order_about_an_unknown_proposal_is_refused(void **state)
{
    (void)state;
    struct history history = {0};
    assert_order_refused(&history, 1, TRIREME__ORDER__kill, "found no proposal 1, there are 0");
    open_one(&history, 3);
    assert_order_refused(&history, 9, TRIREME__ORDER__kill, "found no proposal 9, there are 1");
    assert_order_refused(&history, 0, TRIREME__ORDER__kill, "found no proposal 0, there are 1");
    history_clear(&history);
}

static void each_fate_has_its_word_and_what_is_closed_has_its_causes(void **state)
{
    (void)state;
    static const char *const words[] = {
        [FATE_PROPOSED] = "proposed",
        [FATE_REFUSED] = "refused",
        [FATE_OBSERVED] = "observed",
        [FATE_WAITING] = "waiting",
        [FATE_VETOED] = "vetoed",
        [FATE_QUEUED] = "queued",
        [FATE_OPEN] = "open",
        [FATE_ADOPTED] = "adopted",
        [FATE_KEPT] = "kept",
        [FATE_TAKEN_BACK] = "taken back",
        [FATE_REJECTED] = "rejected",
        [FATE_INCONCLUSIVE] = "inconclusive",
        [FATE_PROMOTED] = "promoted",
        [FATE_CONFIRMED] = "confirmed",
        [FATE_UNCONFIRMED] = "unconfirmed",
        [FATE_ROLLED_BACK] = "rolled back",
    };
    static const struct {
        Trireme__Cause cause;
        const char *word;
    } causes[] = {
        {TRIREME__CAUSE__beaten,         "beaten"        },
        {TRIREME__CAUSE__no_hope,        "no hope"       },
        {TRIREME__CAUSE__no_sign,        "no sign"       },
        {TRIREME__CAUSE__without_effect, "without effect"},
        {TRIREME__CAUSE__diverged,       "diverged"      },
        {TRIREME__CAUSE__superseded,     "superseded"    },
        {TRIREME__CAUSE__money,          "no money"      },
        {TRIREME__CAUSE__time,           "no time"       },
        {TRIREME__CAUSE__memory,         "no memory"     },
        {TRIREME__CAUSE__killed,         "killed"        },
        {TRIREME__CAUSE__vetoed,         "vetoed"        },
        {TRIREME__CAUSE__lost,           "lost"          },
        {TRIREME__CAUSE__failed,         "failed"        },
        {TRIREME__CAUSE__overruled,      "overruled"     },
        {TRIREME__CAUSE__unfit,          "unfit"         },
        {TRIREME__CAUSE__gains,          "closed"        }, // no word of its own
    };
    for (int fate = FATE_PROPOSED; fate <= FATE_ROLLED_BACK; fate++) {
        const struct entry e = {.fate = (enum fate)fate};
        if (fate != FATE_CLOSED)
            assert_string_equal(entry_word(&e), words[fate]);
    }
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        Trireme__Judgement judgement = TRIREME__JUDGEMENT__INIT;
        judgement.cause = causes[i].cause;
        const struct entry e = {.fate = FATE_CLOSED, .judgement = &judgement};
        assert_string_equal(entry_word(&e), causes[i].word);
    }
}

static void append(struct ledger *ledger, uint32_t number, uint64_t supersedes)
{
    struct err err = {.text = ""};
    Trireme__Proposal proposal = TRIREME__PROPOSAL__INIT;
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.kind = supersedes ? TRIREME__RECORD_KIND__correction : TRIREME__RECORD_KIND__proposal;
    record.number = number, record.supersedes = supersedes;
    if (!supersedes)
        record.proposal = &proposal;
    if (ledger_append(ledger, &record, &err) < 0)
        fail_msg("%s", err.text);
}

static void what_a_correction_supersedes_is_not_taken(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    char *run = test_folder_new();
    struct ledger *ledger = ledger_open(run, true, &err);
    append(ledger, 1, 0);
    append(ledger, 2, 0); // line 2
    append(ledger, 3, 0);
    append(ledger, 0, 2); // lines 2 and 3 no longer hold
    append(ledger, 4, 0);
    static const struct {
        size_t n_records, n;
        uint32_t last;
    } cases[] = {
        {0, 0, 0},
        {3, 3, 3},
        {4, 1, 1},
        {5, 2, 4}
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct history history = {0};
        history_read(&history, ledger, cases[i].n_records);
        assert_int_equal(history.n, cases[i].n);
        assert_true(cases[i].n == 0 || history.entries[history.n - 1].number == cases[i].last);
        history_clear(&history);
    }
    ledger_free(ledger);
    test_folder_free(run);
}

/* ---- what a correction does not give back ---- */

// clang-format off
/* A ledger in which 1 is adopted and watched, with its claim, and 2 is tried. */
static const char *const campaign[] = {
    "{kind: proposal, number: 1, step: 5, proposal: {id: a, patch: {optimizer.lr: 0.01}}}",
    "{kind: proposal, number: 2, step: 5, proposal: {id: b, patch: {optimizer.clip: 2}}}",
    "{kind: rule, step: 40, rule: {revision: 2}}",
    "{kind: hypothesis, number: 1, step: 40, plan: {slow: true}}",
    "{kind: stretch, step: 40, stretch: {horizon: 10, arms: [{number: 1}]}}",
    "{kind: observation, number: 1, step: 50, observation: {tokens: 1000}}",
    "{kind: decision, step: 50, decision: {tokens: 300, planners: 300, windows_taken: [64, 32]}}",
    "{kind: verdict, number: 1, step: 50, judgement: {outcome: adopted, pairs: 1}}",
    "{kind: promotion, number: 1, step: 50, promotion: {patch: {optimizer.lr: 0.01}}}",
    "{kind: hypothesis, number: 1, step: 50, plan: {reverse: true}}",
    "{kind: claim, number: 1, step: 50, claim: {t: 1, alpha: 0.05, answer: open}}",
    "{kind: hypothesis, number: 2, step: 50, plan: {slow: true}}",
    "{kind: stretch, step: 50, stretch: {horizon: 10, arms: [{number: 1, reverse: true}, "
    "{number: 2}]}}",
    "{kind: observation, number: 1, step: 60, observation: {tokens: 200}}",
    "{kind: observation, number: 2, step: 60, observation: {tokens: 70}}",
    "{kind: decision, step: 60, decision: {tokens: 60, planners: 30, windows_taken: [128, 64]}}",
    "{kind: verdict, number: 1, step: 60, judgement: {outcome: kept, pairs: 1}}",
    "{kind: claim, number: 1, step: 60, claim: {t: 1, alpha: 0.05, answer: claimed}}",
    "{kind: verdict, number: 2, step: 60, judgement: {outcome: open, pairs: 1}}",
    "{kind: stretch, step: 60, stretch: {horizon: 10, arms: [{number: 2}]}}",
    "{kind: verdict, number: 2, step: 64, judgement: {outcome: closed, cause: killed, tokens: "
    "400}}",
};
// clang-format on
enum { CAMPAIGN = sizeof campaign / sizeof *campaign };

/* What never becomes less. */
static void assert_not_less(const struct history *after, const struct history *before, size_t from)
{
    bool less = after->spent < before->spent || after->registered < before->registered ||
                after->claims < before->claims || after->claimed < before->claimed ||
                after->n_windows_taken < before->n_windows_taken;
    for (size_t s = 0; s < before->n_windows_taken && !less; s++)
        less = after->windows_taken[s] < before->windows_taken[s];
    if (less)
        fail_msg("going back to line %zu gave something back", from);
}

static void write_campaign(struct ledger *ledger, size_t first, size_t n)
{
    struct err err = {.text = ""};
    for (size_t i = first; i < n; i++) {
        Trireme__Record *record = record_fixture(campaign[i]);
        if (ledger_append(ledger, record, &err) < 0)
            fail_msg("%s", err.text);
        message_free(record);
    }
}

static void going_back_gives_back_no_token_claim_window_or_hypothesis(void **state)
{
    (void)state;
    for (size_t from = 1; from <= CAMPAIGN; from++) {
        struct err err = {.text = ""};
        struct history before = {0}, after = {0}, again = {0};
        char *run = test_folder_new();
        struct ledger *ledger = ledger_open(run, true, &err);
        write_campaign(ledger, 0, CAMPAIGN);
        history_read(&before, ledger, CAMPAIGN);
        assert_spent(&before, 1000 + 300 + 270 + 60 + 400, 70 + 30 + 400);
        append(ledger, 0, from);
        history_read(&after, ledger, CAMPAIGN + 1);
        assert_not_less(&after, &before, from);
        assert_int_equal(after.spent, before.spent);
        // the same once more is paid for once more
        write_campaign(ledger, from - 1, CAMPAIGN);
        history_read(&again, ledger, ledger_records(ledger));
        assert_not_less(&again, &after, from);
        struct history kept = {0};
        history_read(&kept, ledger, from - 1);
        assert_int_equal(again.spent, 2 * before.spent - kept.spent);
        assert_int_equal(again.registered, 2 * before.registered - kept.registered);
        assert_int_equal(again.claims, 2 * before.claims - kept.claims);
        assert_int_equal(again.claimed, 2 * before.claimed - kept.claimed);
        history_clear(&kept);
        history_clear(&again);
        history_clear(&after);
        history_clear(&before);
        ledger_free(ledger);
        test_folder_free(run);
    }
}

static void what_is_superseded_counts_in_the_stake_where_the_correction_stands(void **state)
{
    (void)state;
    static const struct {
        size_t from; /* line from which on the ledger is superseded */
        uint64_t since;
    } cases[] = {
        {21, 70 + 30 + 400             },
        {20, 70 + 30 + 400             },
        {14, 70 + 30 + 400             }, // not the reverse arm, nor its part of the trunk's tail
        {13, 70 + 30 + 400             },
        {10, 70 + 30 + 400             }, // the adoption holds
        {9,  1000 + 300 + 70 + 30 + 400}, // it does not
        {6,  1000 + 300 + 70 + 30 + 400},
        {1,  1000 + 300 + 70 + 30 + 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {.text = ""};
        struct history history = {0};
        char *run = test_folder_new();
        struct ledger *ledger = ledger_open(run, true, &err);
        write_campaign(ledger, 0, CAMPAIGN);
        append(ledger, 0, cases[i].from);
        history_read(&history, ledger, CAMPAIGN + 1);
        assert_spent(&history, 2030, cases[i].since);
        history_clear(&history);
        ledger_free(ledger);
        test_folder_free(run);
    }
}

static void an_entry_has_one_attempt_that_goes_on_or_none(void **state)
{
    (void)state;
    Trireme__Plan plan = TRIREME__PLAN__INIT;
    Trireme__Claim claim = TRIREME__CLAIM__INIT, answered = TRIREME__CLAIM__INIT;
    answered.answer = TRIREME__CLAIM__ANSWER__claimed;
    static const struct {
        enum fate fate;
        bool has_reverse;
        int claim; /* 1: open, 2: answered */
        bool open, reverse;
    } cases[] = {
        {FATE_QUEUED,      false, 0, false, false},
        {FATE_OPEN,        false, 0, true,  false},
        {FATE_CLOSED,      false, 0, false, false},
        {FATE_ADOPTED,     false, 0, false, false},
        {FATE_ADOPTED,     true,  0, true,  true },
        {FATE_ADOPTED,     true,  1, true,  true },
        {FATE_KEPT,        true,  0, false, false},
        {FATE_KEPT,        true,  1, true,  true },
        {FATE_KEPT,        true,  2, false, false},
        {FATE_TAKEN_BACK,  true,  0, false, false},
        {FATE_TAKEN_BACK,  true,  2, false, false},
        {FATE_PROMOTED,    true,  0, true,  true },
        {FATE_CONFIRMED,   true,  0, false, false},
        {FATE_ROLLED_BACK, true,  0, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry entry = {.fate = cases[i].fate, .forward = {.plan = &plan}};
        entry.reverse.plan = cases[i].has_reverse ? &plan : NULL;
        entry.claim = cases[i].claim == 1 ? &claim : cases[i].claim == 2 ? &answered : NULL;
        const struct attempt *a = attempt_open(&entry);
        assert_ptr_equal(a, !cases[i].open     ? NULL
                            : cases[i].reverse ? &entry.reverse
                                               : &entry.forward);
        const struct history history = {.entries = &entry, .n = 1};
        assert_ptr_equal(history_next_open(&history, NULL), cases[i].open ? &entry : NULL);
        assert_null(history_next_open(&history, &entry));
        assert_ptr_equal(history_watched(&history), cases[i].reverse ? &entry : NULL);
    }
}

static void what_waits_is_queued_or_open_takes_room(void **state)
{
    (void)state;
    struct history history = {0};
    adopt(&history, 1, "optimizer.lr: 0.001");
    watch(&history, 1); // on top of the forks
    assert_int_equal(history_room(&history, 3), 3);
    open_one(&history, 2);
    propose(&history, 3);
    assert_int_equal(history_room(&history, 3), 2);
    add_record_of(&history, 3, "kind: validation, validation: {accepted: true, next: waiting}");
    assert_int_equal(history_room(&history, 3), 1);
    add_record_of(&history, 3, "kind: order, order: approve");
    assert_int_equal(history_room(&history, 3), 1);
    add_record_of(&history, 2, "kind: verdict, judgement: {outcome: returned}");
    assert_int_equal(history_room(&history, 3), 1);
    assert_int_equal(history_room(&history, 1), 0);
    add_record_of(&history, 2, "kind: verdict, judgement: {outcome: closed, cause: time}");
    assert_int_equal(history_room(&history, 3), 2);
    history_clear(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_validation_refuses_queues_observes_or_waits),
        cmocka_unit_test(orders_approve_and_veto_what_is_not_yet_tried),
        cmocka_unit_test(pairs_belong_to_the_attempt_that_is_current_and_cost_tokens),
        cmocka_unit_test(each_verdict_has_its_fate),
        cmocka_unit_test(what_waits_can_be_closed_and_was_no_hypothesis),
        cmocka_unit_test(a_ledger_of_the_first_rule_is_shown_by_its_own_fates),
        cmocka_unit_test(hypotheses_are_of_the_first_rule_where_none_is_recorded_before_them),
        cmocka_unit_test(a_stretch_has_its_arms_until_its_decision),
        cmocka_unit_test(who_is_closed_leaves_the_stretch_and_the_last_one_ends_it),
        cmocka_unit_test(a_claim_that_ends_after_its_watch_leaves_the_stretch),
        cmocka_unit_test(one_that_returns_waits_again_without_its_pairs_under_its_number),
        cmocka_unit_test(claims_are_counted_when_they_are_registered_and_when_they_are_made),
        cmocka_unit_test(a_claimed_change_that_is_taken_back_is_not_called_claimed_any_more),
        cmocka_unit_test(windows_are_taken_up_to_the_furthest_that_any_stretch_read),
        cmocka_unit_test(tokens_add_up_of_observations_decisions_and_closings),
        cmocka_unit_test(reverse_arms_count_in_what_is_spent_and_never_in_the_stake),
        cmocka_unit_test(what_was_judged_or_vetoed_tells_and_what_ended_otherwise_does_not),
        cmocka_unit_test(a_path_is_in_force_with_its_newest_value_and_taking_back_restores_it),
        cmocka_unit_test(that_there_is_no_inverse_leaves_the_forward_pairs_their_verdict),
        cmocka_unit_test(
            the_newest_promotion_rollback_or_change_by_hand_says_since_when_the_recipe_is_in_force),
        cmocka_unit_test(what_an_operator_sets_by_hand_is_no_promotion_any_more),
        cmocka_unit_test(records_of_no_known_proposal_change_nothing),
        cmocka_unit_test(an_order_is_taken_where_it_fits_the_fate),
        cmocka_unit_test(an_adoption_can_be_killed_while_it_is_watched_or_its_claim_is_open),
        cmocka_unit_test(an_order_about_an_unknown_proposal_is_refused),
        cmocka_unit_test(each_fate_has_its_word_and_what_is_closed_has_its_causes),
        cmocka_unit_test(what_a_correction_supersedes_is_not_taken),
        cmocka_unit_test(going_back_gives_back_no_token_claim_window_or_hypothesis),
        cmocka_unit_test(what_is_superseded_counts_in_the_stake_where_the_correction_stands),
        cmocka_unit_test(an_entry_has_one_attempt_that_goes_on_or_none),
        cmocka_unit_test(what_waits_is_queued_or_open_takes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
