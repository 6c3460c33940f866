/* A person takes an adopted change back: the trunk goes on with its own state and the values from
 * before. */
#include "tests/unit/roles/campaign_harness.h"

static const char *const too_low[] = {"optimizer.lr=0.0002", "schedule.kind=constant",
                                      "schedule.min_lr=0", "gate.claims=all", NULL};

static const struct scripted_proposal raised[] = {
    {0, "optimizer.lr=0.0008"},
    {0, NULL                 }
};

/* Whom the order is for, and when it is given. */
static struct {
    char folder[512];
    uint64_t step; /* of the trunk, or a fork beside it */
    bool given;
} person;

static void plan_takes_back(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    (void)active, (void)n_workers;
    const bool in_tail = trial == 2 || trial == 3; // of step 50, where nothing is adopted yet
    if (step != person.step || in_tail || person.given)
        return;
    person.given = true;
    campaign_order(person.folder, TRIREME__ORDER__takeback, 1);
}

static void run_until_taken_back(const struct campaign_fixture *f, uint64_t at)
{
    person.given = false, person.step = at;
    snprintf(person.folder, sizeof person.folder, "%s", campaign_folder(f, "run"));
    campaign_run(f, "run", too_low, raised,
                 &(struct harness_launch){.workers = 2, .servers = 2, .plan = plan_takes_back});
}

static void train_leg(const struct campaign_fixture *f, char *setting, uint64_t stop)
{
    struct harness_launch launch = {.workers = 3,
                                    .servers = 1,
                                    .stop = &harness_stop,
                                    .plan = plan_stop_at,
                                    .expected = ERR_STOPPED};
    harness_stop = 0, harness_stop_step = stop;
    if (setting)
        campaign_resume(f, "hand", &setting, 1, NULL, &launch);
    else
        campaign_run(f, "hand", too_low, NULL, &launch);
}

/* Checks that "run" was trained with the higher rate from step 41 to `back` and with the one from
 * before to its end, as by hand. */
static void check_as_by_hand(const struct campaign_fixture *f, uint64_t back)
{
    struct history history = ledger_history(f, "run");
    const struct entry *e = history_entry(&history, 1);
    assert_string_equal(entry_word(e), "taken back");
    assert_string_equal(e->reason, "a person took it back");
    assert_int_equal(history.changed_at, back);
    assert_string_equal(history.promoted[0]->value, "0.0002");
    assert_false(entry_claims(e));
    const uint64_t last = 160 - (history.spent + 12 * 8 - 1) / (12 * 8);
    history_clear(&history);
    train_leg(f, NULL, 40);
    train_leg(f, "optimizer.lr=0.0008", back);
    train_leg(f, "optimizer.lr=0.0002", last);
    struct lines run = lines_read(f, "run"), hand = lines_read(f, "hand");
    assert_int_equal(lines_count(&run, "trunk"), last);
    lines_check_equal(&run, "trunk", &hand, "trunk", 51, last);
    lines_free(&run);
    lines_free(&hand);
}

static void what_is_watched_no_more_is_taken_back_behind_the_step_under_way(void **state)
{
    const struct campaign_fixture *f = *state;
    run_until_taken_back(f, 110);
    struct history history = ledger_history(f, "run");
    const uint64_t back = history.changed_at;
    history_clear(&history);
    assert_in_range(back, 111, 113);
    check_as_by_hand(f, back);
}

/* What is watched ends once, with what became of it. */
static void check_verdicts(const struct campaign_fixture *f)
{
    struct err err;
    struct ledger *ledger = ledger_open(campaign_folder(f, "run"), false, &err);
    unsigned n = 0;
    assert_non_null(ledger);
    for (size_t i = 0; i < ledger_records(ledger); i++) {
        const Trireme__Record *r = ledger_record(ledger, i);
        if (r->kind != TRIREME__RECORD_KIND__verdict || r->step < 51)
            continue;
        assert_int_equal(r->judgement->outcome, TRIREME__JUDGEMENT__OUTCOME__taken_back);
        assert_int_equal(r->judgement->cause, TRIREME__CAUSE__overruled);
        assert_int_equal(r->judgement->tokens, (r->step - 50) * 12 * 8);
        n++;
    }
    assert_int_equal(n, 1);
    ledger_free(ledger);
}

static void what_is_watched_is_taken_back_in_the_middle_of_a_stretch(void **state)
{
    const struct campaign_fixture *f = *state;
    run_until_taken_back(f, 53);
    struct history history = ledger_history(f, "run");
    const uint64_t back = history.changed_at, spent = history.spent;
    assert_null(history.stretch);
    check_verdicts(f);
    history_clear(&history);
    assert_in_range(back, 51, 59);
    // the watch's fork is paid for as far as the trunk had come, without a tail
    assert_int_equal(spent, (22 + back - 50) * 12 * 8);
    check_as_by_hand(f, back);
}

static void a_replay_takes_it_back_at_the_same_step(void **state)
{
    const struct campaign_fixture *f = *state;
    run_until_taken_back(f, 53);
    struct history history = ledger_history(f, "run");
    const uint64_t last = 160 - (history.spent + 12 * 8 - 1) / (12 * 8);
    history_clear(&history);
    campaign_run(f, "again", too_low, NULL,
                 &(struct harness_launch){.workers = 1, .servers = 1, .replay = person.folder});
    campaign_check_same(f, "again", "run", last);
    ledgers_check_equal(f, "again", "run");
}

/* What was passed over is gone: the order is refused, and the run goes on. */
static void what_has_no_inverse_is_not_taken_back(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal skips[] = {
        {0, "optimizer.lr=0.0008 data.skip=5"},
        {0, NULL                             }
    };
    person.given = false, person.step = 90;
    snprintf(person.folder, sizeof person.folder, "%s", campaign_folder(f, "run"));
    campaign_run(f, "run", too_low, skips,
                 &(struct harness_launch){.workers = 2, .servers = 2, .plan = plan_takes_back});
    assert_true(person.given);
    struct history history = ledger_history(f, "run");
    const struct entry *e = history_entry(&history, 1);
    assert_int_equal(e->promoted_at, 60);
    assert_string_equal(entry_word(e), "kept");
    assert_false(e->asked_back);
    history_clear(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        campaign_test(what_is_watched_no_more_is_taken_back_behind_the_step_under_way),
        campaign_test(what_is_watched_is_taken_back_in_the_middle_of_a_stretch),
        campaign_test(a_replay_takes_it_back_at_the_same_step),
        campaign_test(what_has_no_inverse_is_not_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
