/* The history that records add up to. */
#include "tests/unit/coordinator/ledger/record_fixture.h"

#include "base/mem.h"
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

/* Adds the records of a hypothesis that is being tried. */
static void open_one(struct history *history, uint32_t number)
{
    propose(history, number);
    add_record_of(history, number, "kind: validation, validation: {accepted: true, next: queued}");
    add_record_of(history, number,
                  "kind: hypothesis, plan: {horizon: 20, pairs: 8, margin: 0.002}");
}

static void promote(struct history *history, uint32_t number, const char *patch)
{
    open_one(history, number);
    add_record_of(history, number, "kind: verdict, judgement: {outcome: promote, pairs: 3}");
    char *yaml = mem_format(
        "kind: promotion, step: 500, promotion: {trial: 4, adopted: true, patch: {%s}}", patch);
    add_record_of(history, number, yaml);
    free(yaml);
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
                     fate_name(history_entry(&history, i + 1)->fate));
    }
    open_one(&history, 20);
    add_record_of(&history, 20, "kind: order, order: veto");
    assert_int_equal(history_entry(&history, 20)->fate, FATE_OPEN); // its verdict follows
    add_record_of(&history, 20,
                  "kind: verdict, judgement: {outcome: inconclusive, reason: killed by a person}");
    assert_int_equal(history_entry(&history, 20)->fate, FATE_INCONCLUSIVE);
    assert_string_equal(history_entry(&history, 20)->reason, "killed by a person");
    history_clear(&history);
}

static void pairs_belong_to_the_attempt_that_is_current_and_cost_tokens(void **state)
{
    (void)state;
    struct history history = {0};
    promote(&history, 1, "optimizer.lr: 0.001");
    struct entry *entry = history_entry(&history, 1);
    assert_int_equal(history.registered, 1);
    add_record_of(&history, 1, "kind: application, application: {pair: 0, trial: 2, step: 40}");
    add_record_of(
        &history, 1,
        "kind: observation, observation: {pair: 0, trunk_loss: 2.5, fork_loss: 2.25, tokens: "
        "1000}");
    assert_int_equal(entry->forward.n_pairs, 1);
    assert_int_equal(entry->forward.application->trial, 2);
    add_record_of(&history, 1, "kind: hypothesis, plan: {reverse: true, horizon: 20, pairs: 4}");
    assert_int_equal(entry->fate, FATE_PROMOTED);
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
    assert_int_equal(history.tokens, 1020);
    add_record_of(&history, 1,
                  "kind: verdict, judgement: {outcome: confirmed, mean: 0.2, half_width: 0.01}");
    assert_int_equal(entry->fate, FATE_CONFIRMED);
    assert_true(entry->judgement->half_width == 0.01);
    assert_true(entry->reverse.judgement->half_width == 0.01);
    assert_int_equal(entry->forward.judgement->outcome, TRIREME__JUDGEMENT__OUTCOME__promote);
    history_clear(&history);
}

static void each_verdict_has_its_fate(void **state)
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
        assert_int_equal(history_entry(&history, i + 1)->judgement->pairs, 4);
    }
    assert_int_equal(history.registered, 7);
    propose(&history, 30);
    add_record_of(&history, 30, "kind: validation, validation: {accepted: true, next: waiting}");
    add_record_of(&history, 30,
                  "kind: verdict, judgement: {outcome: inconclusive, reason: no room left}");
    assert_int_equal(history_entry(&history, 30)->fate, FATE_INCONCLUSIVE);
    assert_int_equal(history.registered, 7);
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

static void a_path_is_in_force_with_its_newest_value_and_a_rollback_restores_it(void **state)
{
    (void)state;
    struct history history = {0};
    promote(&history, 1, "optimizer.lr: 0.001, optimizer.clip: 2");
    assert_int_equal(history_entry(&history, 1)->fate, FATE_PROMOTED);
    assert_int_equal(history_entry(&history, 1)->promoted_at, 500);
    assert_in_force(&history, "optimizer.lr=0.001 optimizer.clip=2 ");
    promote(&history, 2, "optimizer.lr: 0.002, schedule.warmup: 10");
    assert_in_force(&history, "optimizer.clip=2 optimizer.lr=0.002 schedule.warmup=10 ");
    assert_int_equal(history.promotions, 2);
    add_record_of(&history, 2, "kind: verdict, judgement: {outcome: rolled_back, reason: worse}");
    add_record_of(
        &history, 2,
        "kind: rollback, step: 700, promotion: {patch: {optimizer.lr: 0.001, schedule.warmup: "
        "50}}");
    assert_in_force(&history, "optimizer.clip=2 optimizer.lr=0.001 schedule.warmup=50 ");
    assert_int_equal(history_entry(&history, 2)->fate, FATE_ROLLED_BACK);
    assert_string_equal(history_entry(&history, 2)->reason, "worse");
    assert_string_equal(history_entry(&history, 2)->promotion->patch[0]->value, "0.002");
    assert_int_equal(history.promotions, 2); // what it earned stays earned
    history_clear(&history);
}

static void that_no_reverse_pairs_will_come_leaves_the_forward_ones_their_verdict(void **state)
{
    (void)state;
    struct history history = {0};
    promote(&history, 1, "optimizer.lr: 0.001");
    add_record_of(
        &history, 1,
        "kind: verdict, judgement: {outcome: unconfirmed, pairs: 0, reason: no reverse pairs "
        "are wanted}");
    const struct entry *entry = history_entry(&history, 1);
    assert_int_equal(entry->forward.judgement->outcome, TRIREME__JUDGEMENT__OUTCOME__promote);
    assert_int_equal(entry->forward.judgement->pairs, 3);
    assert_null(entry->reverse.judgement);
    assert_int_equal(entry->judgement->outcome, TRIREME__JUDGEMENT__OUTCOME__unconfirmed);
    assert_int_equal(entry->fate, FATE_UNCONFIRMED);
    assert_string_equal(entry->reason, "no reverse pairs are wanted");
    history_clear(&history);
}

static void
the_newest_promotion_rollback_or_change_by_hand_says_since_when_the_recipe_is_in_force(void **state)
{
    (void)state;
    struct history history = {0};
    open_one(&history, 1);
    add_record_of(&history, 1, "kind: verdict, step: 480, judgement: {outcome: promote}");
    assert_int_equal(history.changed_at, 0);
    promote(&history, 2, "optimizer.lr: 0.001");
    assert_int_equal(history.changed_at, 500);
    add_record_of(&history, 1,
                  "kind: promotion, step: 600, promotion: {patch: {optimizer.clip: 2}}");
    assert_int_equal(history.changed_at, 600);
    add_record_of(&history, 1, "kind: verdict, step: 650, judgement: {outcome: confirmed}");
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
    promote(&history, 1, "optimizer.lr: 0.001, optimizer.clip: 2");
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
    static const char *const kinds[] = {"event",      "validation",  "order",
                                        "hypothesis", "application", "observation",
                                        "verdict",    "promotion",   "rollback"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (uint32_t number = 0; number < 6; number += 5) {
            char *yaml = mem_format(
                "kind: %s, observation: {tokens: 5}, promotion: {patch: {a: 1}}", kinds[i]);
            add_record_of(&history, number, yaml);
            free(yaml);
        }
    add_record_of(&history, 3, "kind: event, text: something");
    assert_int_equal(history_entry(&history, 3)->fate, FATE_PROPOSED);
    assert_null(history_entry(&history, 0));
    assert_null(history_entry(&history, 2));
    assert_true(history.tokens == 0 && history.registered == 0 && history.promotions == 0);
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
        [TRIREME__ORDER__kill] = "one that is queued, open, or has reverse pairs to come",
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
    for (int fate = FATE_PROPOSED; fate <= FATE_ROLLED_BACK; fate++)
        for (int i = 0; i < 3; i++) {
            struct err err = {.text = ""};
            history_entry(&history, 7)->fate = (enum fate)fate;
            if (fits[fate][i] && history_check_order(&history, 7, (Trireme__Order)i, &err) < 0)
                fail_msg("%d: %s", i, err.text);
            if (!fits[fate][i]) {
                char *sentence = mem_format("proposal 7 is %s, expected %s",
                                            fate_name((enum fate)fate), expected[i]);
                assert_order_refused(&history, 7, (Trireme__Order)i, sentence);
                free(sentence);
            }
        }
    history_clear(&history);
}

static void a_promotion_can_be_killed_while_its_reverse_pairs_are_tried(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    struct history history = {0};
    promote(&history, 1, "optimizer.lr: 0.001");
    add_record_of(&history, 1, "kind: hypothesis, plan: {reverse: true, horizon: 20, pairs: 4}");
    if (history_check_order(&history, 1, TRIREME__ORDER__kill, &err) < 0)
        fail_msg("%s", err.text);
    assert_order_refused(&history, 1, TRIREME__ORDER__approve,
                         "proposal 1 is promoted, expected one that waits for approval");
    assert_order_refused(&history, 1, TRIREME__ORDER__veto,
                         "proposal 1 is promoted, expected one that waits, is queued or is open");
    add_record_of(&history, 1, "kind: verdict, judgement: {outcome: confirmed}");
    assert_order_refused(
        &history, 1, TRIREME__ORDER__kill,
        "proposal 1 is confirmed, expected one that is queued, open, or has reverse pairs to come");
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

static void each_fate_has_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {
        "proposed", "refused",      "observed", "waiting",   "vetoed",      "queued",     "open",
        "rejected", "inconclusive", "promoted", "confirmed", "unconfirmed", "rolled back"};
    for (int fate = FATE_PROPOSED; fate <= FATE_ROLLED_BACK; fate++)
        assert_string_equal(fate_name(fate), names[fate]);
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

static void an_entry_has_one_attempt_that_goes_on_or_none(void **state)
{
    (void)state;
    Trireme__Plan plan = TRIREME__PLAN__INIT;
    static const struct {
        enum fate fate;
        bool has_reverse, open, reverse;
    } cases[] = {
        {FATE_QUEUED,      false, false, false},
        {FATE_OPEN,        false, true,  false},
        {FATE_REJECTED,    false, false, false},
        {FATE_PROMOTED,    false, false, false},
        {FATE_PROMOTED,    true,  true,  true },
        {FATE_CONFIRMED,   true,  false, false},
        {FATE_ROLLED_BACK, true,  false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry entry = {.fate = cases[i].fate, .forward = {.plan = &plan}};
        entry.reverse.plan = cases[i].has_reverse ? &plan : NULL;
        const struct attempt *a = attempt_open(&entry);
        assert_ptr_equal(a, !cases[i].open     ? NULL
                            : cases[i].reverse ? &entry.reverse
                                               : &entry.forward);
        const struct history history = {.entries = &entry, .n = 1};
        assert_ptr_equal(history_next_open(&history, NULL), cases[i].open ? &entry : NULL);
        assert_null(history_next_open(&history, &entry));
    }
}

static void an_attempts_next_pair_begins_where_the_last_one_ended(void **state)
{
    (void)state;
    Trireme__Plan plan = TRIREME__PLAN__INIT;
    plan.start = 40, plan.horizon = 20;
    for (size_t n = 0; n <= 8; n++) {
        const struct attempt attempt = {.plan = &plan, .n_pairs = n};
        assert_int_equal(attempt_next_start(&attempt), 40 + 20 * n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_validation_refuses_queues_observes_or_waits),
        cmocka_unit_test(orders_approve_and_veto_what_is_not_yet_tried),
        cmocka_unit_test(pairs_belong_to_the_attempt_that_is_current_and_cost_tokens),
        cmocka_unit_test(each_verdict_has_its_fate),
        cmocka_unit_test(what_was_judged_or_vetoed_tells_and_what_ended_otherwise_does_not),
        cmocka_unit_test(a_path_is_in_force_with_its_newest_value_and_a_rollback_restores_it),
        cmocka_unit_test(that_no_reverse_pairs_will_come_leaves_the_forward_ones_their_verdict),
        cmocka_unit_test(
            the_newest_promotion_rollback_or_change_by_hand_says_since_when_the_recipe_is_in_force),
        cmocka_unit_test(what_an_operator_sets_by_hand_is_no_promotion_any_more),
        cmocka_unit_test(records_of_no_known_proposal_change_nothing),
        cmocka_unit_test(an_order_is_taken_where_it_fits_the_fate),
        cmocka_unit_test(a_promotion_can_be_killed_while_its_reverse_pairs_are_tried),
        cmocka_unit_test(an_order_about_an_unknown_proposal_is_refused),
        cmocka_unit_test(each_fate_has_its_name),
        cmocka_unit_test(what_a_correction_supersedes_is_not_taken),
        cmocka_unit_test(an_entry_has_one_attempt_that_goes_on_or_none),
        cmocka_unit_test(an_attempts_next_pair_begins_where_the_last_one_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
