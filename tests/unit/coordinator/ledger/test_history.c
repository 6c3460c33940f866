/* The history that records add up to: what became of each proposal, and what is in force. */
#include "tests/unit/coordinator/ledger/history_fixture.h"

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

/* Its fate stays what the records say; what people read is that nothing goes on with it. */
static void what_the_first_rule_left_open_or_queued_is_superseded_for_people(void **state)
{
    (void)state;
    struct history history = {0};
    propose(&history, 1);
    add_record_of(&history, 1, "kind: validation, validation: {accepted: true, next: queued}");
    assert_string_equal(entry_word(history_entry(&history, 1)), "queued"); // by the rule of today
    open_one(&history, 2);
    propose(&history, 3);
    assert_string_equal(entry_word(history_entry(&history, 3)), "proposed");
    add_record_of(&history, 3, "kind: validation, validation: {accepted: true, next: waiting}");
    static const enum fate fates[] = {FATE_QUEUED, FATE_OPEN, FATE_WAITING};
    for (uint32_t i = 0; i < 3; i++) {
        const struct entry *e = history_entry(&history, i + 1);
        assert_int_equal(e->fate, fates[i]);
        assert_string_equal(entry_word(e), "superseded");
        assert_contains(entry_reason(e), "not computed any more");
    }
    add_record_of(&history, 2, "kind: verdict, judgement: {outcome: reject, reason: x}");
    assert_string_equal(entry_word(history_entry(&history, 2)), "rejected");
    assert_string_equal(entry_reason(history_entry(&history, 2)), "x");
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

static void each_fate_has_its_word_and_what_is_closed_has_its_causes(void **state)
{
    (void)state;
    static const char *const words[] = {
        [FATE_PROPOSED] = "proposed",
        [FATE_REFUSED] = "refused",
        [FATE_OBSERVED] = "observed",
        [FATE_WAITING] = "waiting",
        [FATE_VETOED] = "vetoed",
        [FATE_DEFERRED] = "deferred",
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
        {TRIREME__CAUSE__windows,        "no windows"    },
        {TRIREME__CAUSE__not_needed,     "not needed"    },
        {TRIREME__CAUSE__replaced,       "replaced"      },
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
        cmocka_unit_test(each_verdict_has_its_fate),
        cmocka_unit_test(what_waits_can_be_closed_and_was_no_hypothesis),
        cmocka_unit_test(a_ledger_of_the_first_rule_is_shown_by_its_own_fates),
        cmocka_unit_test(what_the_first_rule_left_open_or_queued_is_superseded_for_people),
        cmocka_unit_test(hypotheses_are_of_the_first_rule_where_none_is_recorded_before_them),
        cmocka_unit_test(what_was_judged_or_vetoed_tells_and_what_ended_otherwise_does_not),
        cmocka_unit_test(a_path_is_in_force_with_its_newest_value_and_taking_back_restores_it),
        cmocka_unit_test(that_there_is_no_inverse_leaves_the_forward_pairs_their_verdict),
        cmocka_unit_test(
            the_newest_promotion_rollback_or_change_by_hand_says_since_when_the_recipe_is_in_force),
        cmocka_unit_test(what_an_operator_sets_by_hand_is_no_promotion_any_more),
        cmocka_unit_test(records_of_no_known_proposal_change_nothing),
        cmocka_unit_test(each_fate_has_its_word_and_what_is_closed_has_its_causes),
        cmocka_unit_test(what_a_correction_supersedes_is_not_taken),
        cmocka_unit_test(an_entry_has_one_attempt_that_goes_on_or_none),
        cmocka_unit_test(what_waits_is_queued_or_open_takes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
