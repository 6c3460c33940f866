/* A trunk whose training diverges under a watch: the fork with the recipe from before takes its
 * place where the stretch ends. */
#include "tests/unit/roles/campaign_harness.h"

/* A rate that is too low by far, and the one that is adopted for it at step 50. Its watch begins
 * there, over 10 steps and a tail of 5. Of the 240 steps the first stretch costs 22, the other one,
 * without the trunk's tail and reading, 16. */
#define LOW  0.0002
#define HIGH 0.0008
enum { ADOPTED = 50, BROKEN = 56, END = 60, LAST = 240 - 22 - 16 };

static const char *const too_low[] = {
    "optimizer.lr=0.0002", "schedule.kind=constant", "schedule.min_lr=0", "train.steps=240",
    "checkpoint.every=20", "eval.every=5",           "gate.claims=all",   NULL};

static const struct scripted_proposal raised[] = {
    {0, "optimizer.lr=0.0008"},
    {0, NULL                 }
};

/* Breaks the adopted recipe after step BROKEN. */
static const struct harness_launch broken = {
    .workers = 2, .servers = 2, .broken_lr = HIGH, .broken_after = BROKEN};

static void check_taken_back(const struct campaign_fixture *f, const char *name)
{
    struct history history = ledger_history(f, name);
    const struct entry *e = history_entry(&history, 1);
    assert_int_equal(e->promoted_at, ADOPTED);
    assert_string_equal(entry_word(e), "taken back");
    assert_string_equal(e->reason, "the trunk diverged with it");
    assert_int_equal(e->judgement->cause, TRIREME__CAUSE__diverged);
    assert_int_equal(e->reverse.n_pairs, 1);
    assert_true(e->reverse.pairs[0]->trunk_diverged && !e->reverse.pairs[0]->diverged);
    assert_int_equal(e->claim->answer, TRIREME__CLAIM__ANSWER__unproven);
    assert_int_equal(e->claim->cause, TRIREME__CAUSE__taken_back);
    assert_int_equal(history.changed_at, END);
    assert_string_equal(history.promoted[0]->value, "0.0002");
    history_clear(&history);
}

/* By hand: the old recipe up to step 40, the adopted one to 50, the old one again. */
static void train_by_hand(const struct campaign_fixture *f)
{
    static char *const settings[][1] = {{"optimizer.lr=0.0008"}, {"optimizer.lr=0.0002"}};
    static const uint64_t stops[] = {40, ADOPTED, LAST};
    for (size_t i = 0; i < 3; i++) {
        const struct harness_launch launch = {.workers = 1,
                                              .servers = 3,
                                              .stop = &harness_stop,
                                              .plan = plan_stop_at,
                                              .expected = ERR_STOPPED};
        harness_stop = 0, harness_stop_step = stops[i];
        if (i == 0)
            campaign_run(f, "hand", too_low, NULL, &launch);
        else
            campaign_resume(f, "hand", settings[i - 1], 1, NULL, &launch);
    }
}

static void the_fork_with_the_old_recipe_is_the_trunk_from_the_stretchs_end_on(void **state)
{
    const struct campaign_fixture *f = *state;
    campaign_run(f, "run", too_low, raised, &broken);
    check_taken_back(f, "run");
    train_by_hand(f);
    struct lines run = lines_read(f, "run"), hand = lines_read(f, "hand");
    lines_check_equal(&run, "trunk", &hand, "trunk", 1, 40);
    lines_check_equal(&run, "h1.0", &hand, "trunk", 41, ADOPTED);
    lines_check_equal(&run, "r1.0", &hand, "trunk", ADOPTED + 1, END);
    lines_check_equal(&run, "trunk", &hand, "trunk", END + 1, LAST);
    // none of the steps that there were none of
    assert_int_equal(lines_count(&run, "trunk"), LAST - (END - BROKEN));
    lines_free(&run);
    lines_free(&hand);
    struct checkpoint_state found = checkpoint_state_read(campaign_folder(f, "run"), LAST);
    struct checkpoint_state expected = checkpoint_state_read(campaign_folder(f, "hand"), LAST);
    checkpoint_state_check_equal(&found, &expected);
    checkpoint_state_free(&found);
    checkpoint_state_free(&expected);
}

static void check_same_as_run(const struct campaign_fixture *f, const char *name)
{
    ledgers_check_equal(f, name, "run");
    struct checkpoint_state found = checkpoint_state_read(campaign_folder(f, name), LAST);
    struct checkpoint_state expected = checkpoint_state_read(campaign_folder(f, "run"), LAST);
    checkpoint_state_check_equal(&found, &expected);
    checkpoint_state_free(&found);
    checkpoint_state_free(&expected);
    struct lines lines = lines_read(f, name), run = lines_read(f, "run");
    assert_int_equal(lines_count(&lines, "trunk"), lines_count(&run, "trunk"));
    assert_int_equal(lines.n_evals, run.n_evals);
    lines_free(&lines);
    lines_free(&run);
}

static void a_replay_of_it_comes_to_the_same(void **state)
{
    const struct campaign_fixture *f = *state;
    struct harness_launch launch = broken;
    campaign_run(f, "run", too_low, raised, &launch);
    char *run = mem_strdup(campaign_folder(f, "run"));
    launch.replay = run, launch.workers = 1;
    campaign_run(f, "again", too_low, NULL, &launch);
    check_taken_back(f, "again");
    check_same_as_run(f, "again");
    free(run);
}

static void launches_that_are_killed_come_to_the_same(void **state)
{
    const struct campaign_fixture *f = *state;
    campaign_run(f, "run", too_low, raised, &broken);
    struct harness_launch launch = broken;
    bool over = false;
    for (uint64_t n = 0; !over && n < 40; n++) {
        launch.killed_after = 220 + 40 * n;
        over = campaign_run(f, "again", too_low, raised, &launch);
    }
    assert_true(over);
    check_same_as_run(f, "again");
}

/* The stop comes when the trunk takes no more steps, and its forks go on. */
static void plan_stop_outlived(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    (void)active, (void)n_workers;
    if (trial > 1 && step + 1 == END) // the reverse fork's last step
        harness_stop = 1;
}

static void a_launch_that_is_stopped_meanwhile_keeps_its_checkpoint_and_goes_on(void **state)
{
    const struct campaign_fixture *f = *state;
    campaign_run(f, "run", too_low, raised, &broken);
    struct harness_launch launch = broken;
    struct err how;
    launch.stop = &harness_stop, launch.plan = plan_stop_outlived, launch.expected = ERR_STOPPED;
    campaign_run_to(f, "again", too_low, raised, &launch, &how);
    assert_contains(how.text, "stopped on request after step 56, with which the trunk diverged: "
                              "step 50 is kept");
    harness_stop = 0;
    campaign_run(f, "again", too_low, raised, &broken);
    check_same_as_run(f, "again");
}

static void where_the_other_fork_diverges_too_or_there_is_none_the_run_ends(void **state)
{
    const struct campaign_fixture *f = *state;
    struct harness_launch launch = broken;
    struct err how;
    launch.expected = ERR_TRAIN;
    launch.broken_lr = 0; // both arms of the watch
    campaign_run_to(f, "both", too_low, raised, &launch, &how);
    assert_contains(how.text, "step 57: ");
    assert_contains(how.text, "training has diverged");
    launch.broken_lr = LOW;
    launch.broken_after = 44; // under hypotheses alone
    campaign_run_to(f, "none", too_low, raised, &launch, &how);
    assert_contains(how.text, "step 45: ");
    assert_contains(how.text, "training has diverged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        campaign_test(the_fork_with_the_old_recipe_is_the_trunk_from_the_stretchs_end_on),
        campaign_test(a_replay_of_it_comes_to_the_same),
        campaign_test(launches_that_are_killed_come_to_the_same),
        campaign_test(a_launch_that_is_stopped_meanwhile_keeps_its_checkpoint_and_goes_on),
        campaign_test(where_the_other_fork_diverges_too_or_there_is_none_the_run_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
