/* Stretches in a history: who takes part, what they cost and read, claims; and that going back
 * gives nothing of it back. */
#include "tests/unit/coordinator/ledger/history_fixture.h"

#include "base/random.h"

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
    assert_int_equal(history_entry(&history, 1)->reverse.judgement->pairs,
                     1); // what it was kept for
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

/* Steps that were asked for had 96 tokens in the first stretch, later 48, 192 and 96 again. What is
 * superseded is counted in the steps of its own time. */
static void what_is_spent_follows_the_size_of_the_steps_that_were_asked_for(void **state)
{
    (void)state;
    struct history history = {0};
    begin_rule(&history);
    open_one(&history, 1);
    assert_int_equal(history_tokens(&history, 500, 192), 500); // nothing is counted yet
    add_record(&history, "{kind: stretch, step: 40, stretch: {horizon: 10, step_tokens: 96, "
                         "arms: [{number: 1}]}}");
    observe(&history, 1, 960);
    decide(&history, 50, 480, 480);
    assert_spent(&history, 1440, 1440);
    assert_int_equal(history_tokens(&history, history.spent, 192), 2880);
    assert_int_equal(history_tokens(&history, history.spent, 48), 720);
    Trireme__Record *superseded = record_fixture(
        "{kind: stretch, step: 60, stretch: {horizon: 10, step_tokens: 48, unit: 48}}");
    history_forget_record(&history, superseded);
    message_free(superseded);
    assert_spent(&history, 720, 720);
    add_record(&history, "{kind: stretch, step: 60, stretch: {horizon: 10, step_tokens: 192, "
                         "unit: 192, arms: [{number: 1}]}}");
    observe(&history, 1, 1920);
    assert_spent(&history, 2880 + 1920, 2880 + 1920);
    decide(&history, 70, 0, 0);
    // an adopted change of the batch is none of what was asked for
    add_record(&history, "{kind: stretch, step: 70, stretch: {horizon: 10, step_tokens: 24, "
                         "unit: 192, arms: [{number: 1}]}}");
    assert_spent(&history, 4800, 4800);
    // back to the first size
    add_record(&history, "{kind: stretch, step: 80, stretch: {horizon: 10, step_tokens: 96, "
                         "arms: [{number: 1}]}}");
    assert_spent(&history, 2400, 2400);
    history_clear(&history);
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

/* by: of the proposal. in_stake: whether its fork counts there, also once it is superseded. */
static void check_stake(const char *by, bool person, bool in_stake)
{
    struct history history = {0};
    begin_rule(&history);
    char *yaml = mem_format("{kind: proposal, number: 1, by: %s, proposal: {id: p, patch: "
                            "{optimizer.lr: 0.001}, hypothesis: faster}}",
                            by);
    add_record(&history, yaml);
    free(yaml);
    add_record_of(&history, 1, "kind: validation, validation: {accepted: true, next: queued}");
    add_record_of(&history, 1, "kind: hypothesis, plan: {margin: 0.002}");
    begin_stretch(&history, 100, person ? "{number: 1, person: true}" : "{number: 1}");
    observe(&history, 1, 100);
    assert_spent(&history, 100, in_stake ? 100 : 0);
    Trireme__Record *record =
        record_fixture("{kind: observation, number: 1, observation: {tokens: 30}}");
    history_forget_record(&history, record);
    assert_spent(&history, 130, in_stake ? 130 : 0);
    message_free(record);
    history_clear(&history);
}

static void what_a_person_proposed_is_not_at_stake_once_persons_have_to_show_it(void **state)
{
    (void)state;
    check_stake("person uid 1000 pid 12", true, false);
    check_stake("person uid 1000 pid 12 unseparated", true, false);
    check_stake("planner uid 1000 pid 12", false, true);
    check_stake("person", false, true); // of an earlier version
    check_stake("script", false, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_belong_to_the_attempt_that_is_current_and_cost_tokens),
        cmocka_unit_test(a_stretch_has_its_arms_until_its_decision),
        cmocka_unit_test(who_is_closed_leaves_the_stretch_and_the_last_one_ends_it),
        cmocka_unit_test(a_claim_that_ends_after_its_watch_leaves_the_stretch),
        cmocka_unit_test(one_that_returns_waits_again_without_its_pairs_under_its_number),
        cmocka_unit_test(claims_are_counted_when_they_are_registered_and_when_they_are_made),
        cmocka_unit_test(a_claimed_change_that_is_taken_back_is_not_called_claimed_any_more),
        cmocka_unit_test(windows_are_taken_up_to_the_furthest_that_any_stretch_read),
        cmocka_unit_test(tokens_add_up_of_observations_decisions_and_closings),
        cmocka_unit_test(what_is_spent_follows_the_size_of_the_steps_that_were_asked_for),
        cmocka_unit_test(reverse_arms_count_in_what_is_spent_and_never_in_the_stake),
        cmocka_unit_test(going_back_gives_back_no_token_claim_window_or_hypothesis),
        cmocka_unit_test(what_is_superseded_counts_in_the_stake_where_the_correction_stands),
        cmocka_unit_test(what_a_person_proposed_is_not_at_stake_once_persons_have_to_show_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
