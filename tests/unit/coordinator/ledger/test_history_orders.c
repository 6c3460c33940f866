/* What people order about proposals, and when. */
#include "tests/unit/coordinator/ledger/history_fixture.h"

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
        [TRIREME__ORDER__veto] = "one that waits, is deferred, queued or open",
        [TRIREME__ORDER__kill] = "one that waits, is deferred, queued, open, or watched",
        [TRIREME__ORDER__takeback] = "one that was adopted and whose values are in force",
        [TRIREME__ORDER__queue] = "one that waits, is deferred or queued",
    };
    static const bool fits[][5] = {
  // clang-format off
        [FATE_WAITING]     = {true,  true,  true,  false, true },
        [FATE_DEFERRED]    = {false, true,  true,  false, true },
        [FATE_QUEUED]      = {false, true,  true,  false, true },
        [FATE_OPEN]        = {false, true,  true,  false, false},
        [FATE_ADOPTED]     = {false, false, false, true,  false}, // its watch has not begun
        [FATE_KEPT]        = {false, false, false, true,  false},
        [FATE_ROLLED_BACK] = {false, false, false, false, false}, // and so are all others
  // clang-format on
    };
    struct history history = {0};
    adopt(&history, 7, "optimizer.lr: 0.001");
    for (int fate = FATE_PROPOSED; fate <= FATE_ROLLED_BACK; fate++)
        for (int i = 0; i < 5; i++) {
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

static void an_adopted_change_can_be_taken_back_once_while_its_values_are_in_force(void **state)
{
    (void)state;
    static const char not_in_force[] =
        "proposal 1 is adopted, expected one that was adopted and whose values are in force";
    struct err err = {.text = ""};
    struct history history = {0};
    adopt(&history, 1, "optimizer.lr: 0.001, optimizer.clip: 2");
    assert_null(history_asked_back(&history));
    assert_int_equal(history_check_order(&history, 1, TRIREME__ORDER__takeback, &err), 0);
    adopt(&history, 2, "optimizer.lr: 0.002"); // one of the first one's values is replaced
    assert_order_refused(&history, 1, TRIREME__ORDER__takeback, not_in_force);
    add_record_of(&history, 2, "kind: order, step: 510, order: takeback");
    assert_int_equal(history_asked_back(&history)->number, 2);
    assert_int_equal(history_asked_back(&history)->asked_back_at, 510);
    assert_int_equal(history_entry(&history, 2)->fate, FATE_ADOPTED); // its verdict follows
    assert_int_equal(history_check_order(&history, 2, TRIREME__ORDER__takeback, &err), -1);
    add_record_of(
        &history, 2,
        "kind: verdict, step: 510, judgement: {outcome: taken_back, reason: by a person}");
    assert_string_equal(history_entry(&history, 2)->reason, "by a person");
    add_record_of(&history, 2,
                  "kind: rollback, step: 510, promotion: {patch: {optimizer.lr: 0.001}}");
    assert_null(history_asked_back(&history));
    assert_string_equal(entry_word(history_entry(&history, 2)), "taken back");
    // what was in force before is again, so that can be taken back too
    assert_int_equal(history_check_order(&history, 1, TRIREME__ORDER__takeback, &err), 0);
    add_record(&history, "{kind: correction, promotion: {patch: {optimizer.clip: 3}}}");
    assert_order_refused(&history, 1, TRIREME__ORDER__takeback, not_in_force); // by hand
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
    assert_order_refused(
        &history, 1, TRIREME__ORDER__veto,
        "proposal 1 is adopted, expected one that waits, is deferred, queued or open");
    add_record_of(&history, 1, "kind: claim, claim: {t: 1, answer: open}");
    add_record_of(&history, 1, "kind: verdict, judgement: {outcome: kept}");
    if (history_check_order(&history, 1, TRIREME__ORDER__kill, &err) < 0)
        fail_msg("%s", err.text);
    add_record_of(&history, 1, "kind: claim, claim: {t: 1, answer: unproven}");
    assert_order_refused(
        &history, 1, TRIREME__ORDER__kill,
        "proposal 1 is kept, expected one that waits, is deferred, queued, open, or watched");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_approve_and_veto_what_is_not_yet_tried),
        cmocka_unit_test(an_order_is_taken_where_it_fits_the_fate),
        cmocka_unit_test(an_adopted_change_can_be_taken_back_once_while_its_values_are_in_force),
        cmocka_unit_test(an_adoption_can_be_killed_while_it_is_watched_or_its_claim_is_open),
        cmocka_unit_test(an_order_about_an_unknown_proposal_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
