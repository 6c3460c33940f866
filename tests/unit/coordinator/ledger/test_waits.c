/* What proposals wait for, and what they replace. */
#include "tests/unit/coordinator/ledger/history_fixture.h"

#include "coordinator/ledger/waits.h"

/* A proposal that says that of others. */
static Trireme__Proposal of(uint32_t after, uint32_t on_adoption_of, uint32_t replaces)
{
    Trireme__Proposal p = TRIREME__PROPOSAL__INIT;
    p.has_after = p.has_on_adoption_of = p.has_replaces = true;
    p.after = after, p.on_adoption_of = on_adoption_of, p.replaces = replaces;
    return p;
}

static void assert_waits(const struct history *h, uint64_t step, enum waits after,
                         enum waits adoption)
{
    const Trireme__Proposal a = of(1, 0, 0), b = of(0, 1, 0);
    assert_int_equal(waits_of(h, &a, step), after);
    assert_int_equal(waits_of(h, &b, step), adoption);
}

static void a_wait_is_over_with_that_proposal_and_in_vain_where_it_was_not_adopted(void **state)
{
    (void)state;
    static const char closed[] = "kind: verdict, step: 90, judgement: {outcome: closed, cause: "
                                 "beaten}";
    struct history history = {0};
    begin_rule(&history);
    propose(&history, 1);
    assert_waits(&history, 90, WAITS_ON, WAITS_ON);
    add_record_of(&history, 1, "kind: validation, validation: {accepted: true, next: waiting}");
    assert_waits(&history, 90, WAITS_ON, WAITS_ON);
    add_record_of(&history, 1, "kind: order, order: approve");
    assert_waits(&history, 90, WAITS_ON, WAITS_ON);
    add_record_of(&history, 1, "kind: hypothesis, plan: {margin: 0.002}");
    assert_waits(&history, 90, WAITS_ON, WAITS_ON);
    add_record_of(&history, 1, "kind: verdict, judgement: {outcome: returned}");
    assert_waits(&history, 90, WAITS_ON, WAITS_ON);
    add_record_of(&history, 1, closed);
    assert_waits(&history, 90, WAITS_NO, WAITS_IN_VAIN);
    history_clear(&history);

    adopt(&history, 1, "optimizer.lr: 0.001");
    assert_int_equal(history_entry(&history, 1)->over_at, 500);
    assert_waits(&history, 500, WAITS_NO, WAITS_NO);
    watch(&history, 1);
    add_record_of(&history, 1, "kind: verdict, judgement: {outcome: kept}");
    assert_waits(&history, 600, WAITS_NO, WAITS_NO);
    add_record_of(&history, 1, "kind: rollback, step: 700, promotion: {patch: {optimizer.lr: 1}}");
    assert_waits(&history, 700, WAITS_NO, WAITS_IN_VAIN);
    assert_int_equal(history_entry(&history, 1)->over_at, 500);
    const Trireme__Proposal none = of(0, 0, 0);
    assert_int_equal(waits_of(&history, &none, 0), WAITS_NO);
    history_clear(&history);
}

static void what_the_machine_gave_up_is_over_from_the_next_step_on(void **state)
{
    (void)state;
    struct history history = {0};
    begin_rule(&history);
    open_one(&history, 1);
    add_record_of(&history, 1,
                  "kind: verdict, step: 90, judgement: {outcome: closed, cause: "
                  "memory, machine: true}");
    assert_waits(&history, 90, WAITS_ON, WAITS_ON);
    assert_waits(&history, 91, WAITS_NO, WAITS_IN_VAIN);
    history_clear(&history);
}

static void what_is_said_of_others_must_be_possible(void **state)
{
    (void)state;
    static const char planner[] = "planner uid 7 pid 9", person[] = "person uid 7";
    static const struct {
        uint32_t after, on_adoption_of, replaces, own;
        const char *by, *sentence;
    } cases[] = {
  // clang-format off
        {1, 0, 0, 0, planner, NULL},
        {2, 0, 0, 0, planner, NULL}, // it is over: simply no wait
        {0, 1, 0, 0, planner, NULL},
        {0, 3, 0, 0, planner, NULL}, // it is adopted: the same
        {0, 0, 1, 0, planner, NULL},
        {0, 0, 4, 0, person,  NULL},
        {0, 3, 1, 0, planner, NULL},
        {1, 3, 0, 0, planner, "found after 1 and on_adoption_of 3, expected one of them at most"},
        {9, 0, 0, 0, planner, "after: found no proposal 9, there are 4"},
        {0, 9, 0, 4, planner, "on_adoption_of: found no proposal 9, there are 3"},
        {0, 0, 9, 0, planner, "replaces: found no proposal 9, there are 4"},
        {4, 0, 0, 4, planner, "after: found 4, the proposal itself, expected another"},
        {0, 0, 4, 4, planner, "replaces: found 4, the proposal itself, expected another"},
        {0, 2, 0, 0, planner, "on_adoption_of: proposal 2 is beaten, expected one that may be "
                              "adopted yet, or was"},
        {0, 0, 2, 0, planner, "replaces: proposal 2 is beaten, expected one that waits, is "
                              "deferred, queued or open"},
        {0, 0, 3, 0, person,  "replaces: proposal 3 is adopted, expected one that waits, is "
                              "deferred, queued or open"},
        {0, 1, 1, 0, planner, "replaces: found 1, for which it waits, expected another"},
        {0, 0, 4, 0, planner, "replaces: proposal 4 is another's, which only a person may "
                              "replace; expected one of your own"},
  // clang-format on
    };
    struct history history = {0};
    begin_rule(&history);
    open_one(&history, 1);
    open_one(&history, 2);
    add_record_of(&history, 2, "kind: verdict, judgement: {outcome: closed, cause: beaten}");
    adopt(&history, 3, "optimizer.lr: 0.001");
    open_one(&history, 4);
    for (uint32_t i = 1; i <= 4; i++) {
        free(history_entry(&history, i)->by);
        history_entry(&history, i)->by = mem_strdup(i < 4 ? planner : person);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {.text = ""};
        const Trireme__Proposal p = of(cases[i].after, cases[i].on_adoption_of, cases[i].replaces);
        const int rc = waits_check(&history, &p, cases[i].own, cases[i].by, &err);
        assert_string_equal(err.text, cases[i].sentence ? cases[i].sentence : "");
        assert_int_equal(rc, cases[i].sentence ? -1 : 0);
        assert_int_equal(err.code, cases[i].sentence ? ERR_USAGE : 0);
    }
    history_clear(&history);
}

static void add_waiting(struct history *history, const char *wait, const char *next)
{
    char *yaml = mem_format("{kind: proposal, number: 2, proposal: {id: b, %s}}", wait);
    add_record(history, yaml);
    free(yaml);
    yaml = mem_format("kind: validation, validation: {accepted: true, next: %s}", next);
    add_record_of(history, 2, yaml);
    free(yaml);
}

static void assert_is(const struct history *history, enum fate fate, const char *reason)
{
    const struct entry *e = history_entry(history, 2);
    assert_int_equal(e->fate, fate);
    if (reason)
        assert_string_equal(entry_reason(e), reason);
    else
        assert_null(entry_reason(e));
}

static void a_deferred_proposal_takes_room_and_is_queued_by_a_second_validation(void **state)
{
    (void)state;
    struct history history = {0};
    begin_rule(&history);
    open_one(&history, 1);
    add_waiting(&history, "on_adoption_of: 1", "deferred");
    assert_is(&history, FATE_DEFERRED, "until 1 is adopted");
    assert_true(entry_is_pending(history_entry(&history, 2)));
    assert_int_equal(history_room(&history, 3), 1);
    add_record_of(&history, 2,
                  "kind: validation, step: 70, validation: {accepted: true, next: queued}");
    assert_is(&history, FATE_QUEUED, NULL);
    assert_int_equal(history_entry(&history, 2)->queued_at, 70);
    history_clear(&history);

    begin_rule(&history);
    open_one(&history, 1);
    add_waiting(&history, "after: 1", "deferred");
    assert_is(&history, FATE_DEFERRED, "until 1 is over");
    add_record_of(&history, 2, "kind: order, order: veto");
    assert_is(&history, FATE_VETOED, NULL);
    history_clear(&history);
}

static void approval_comes_before_the_wait(void **state)
{
    (void)state;
    struct history history = {0};
    begin_rule(&history);
    open_one(&history, 1);
    add_waiting(&history, "after: 1", "waiting");
    assert_is(&history, FATE_WAITING, "until 1 is over");
    add_record_of(&history, 2, "kind: order, order: approve");
    assert_is(&history, FATE_DEFERRED, "until 1 is over");
    add_record_of(&history, 2,
                  "kind: verdict, judgement: {outcome: closed, cause: money, reason: too dear}");
    assert_is(&history, FATE_CLOSED, "too dear");
    assert_string_equal(entry_word(history_entry(&history, 2)), "no money");
    history_clear(&history);
}

/* The launch that supersedes a release comes to it again, or not. */
static void a_release_that_a_correction_supersedes_is_undone(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    char *run = test_folder_new();
    struct ledger *ledger = ledger_open(run, true, &err);
    static const char *const lines[] = {
        "{kind: proposal, number: 1, proposal: {id: a}}",
        "{kind: validation, number: 1, validation: {accepted: true, next: queued}}",
        "{kind: proposal, number: 2, proposal: {id: b, after: 1}}",
        "{kind: validation, number: 2, validation: {accepted: true, next: deferred}}",
        "{kind: order, number: 1, step: 30, order: kill}",
        "{kind: verdict, number: 1, step: 30, judgement: {outcome: closed, cause: killed}}",
        "{kind: validation, number: 2, step: 30, validation: {accepted: true, next: queued}}",
        "{kind: correction, step: 20, supersedes: 5}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        Trireme__Record *record = record_fixture(lines[i]);
        if (ledger_append(ledger, record, &err) < 0)
            fail_msg("%s", err.text);
        message_free(record);
    }
    for (size_t n = 7; n <= 8; n++) {
        struct history history = {0};
        history_read(&history, ledger, n);
        assert_is(&history, n == 7 ? FATE_QUEUED : FATE_DEFERRED,
                  n == 7 ? NULL : "until 1 is over");
        history_clear(&history);
    }
    ledger_free(ledger);
    test_folder_free(run);
}

static void only_persons_and_the_same_planner_may_end_it(void **state)
{
    (void)state;
    const struct entry e = {.by = (char *)"planner uid 7 pid 9"};
    assert_true(entry_may_end(&e, "planner uid 7 pid 10"));
    assert_true(entry_may_end(&e, "person uid 8"));
    assert_false(entry_may_end(&e, "planner uid 8"));
    assert_false(entry_may_end(&e, "planner script uid 7"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_is_over_with_that_proposal_and_in_vain_where_it_was_not_adopted),
        cmocka_unit_test(what_the_machine_gave_up_is_over_from_the_next_step_on),
        cmocka_unit_test(what_is_said_of_others_must_be_possible),
        cmocka_unit_test(a_deferred_proposal_takes_room_and_is_queued_by_a_second_validation),
        cmocka_unit_test(approval_comes_before_the_wait),
        cmocka_unit_test(a_release_that_a_correction_supersedes_is_undone),
        cmocka_unit_test(only_persons_and_the_same_planner_may_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
