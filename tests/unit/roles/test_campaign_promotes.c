/* A promotion makes a fork the trunk, bit for bit; reverse pairs confirm it or take it back. */
#include "tests/unit/roles/campaign_harness.h"

#include "coordinator/gate/judge.h"

static const struct harness_launch two_workers = {.workers = 2, .servers = 2};

/* A rate that is too low by far, and a gate that needs three pairs to see it. */
#define TOO_LOW                                                                                    \
    "optimizer.lr=0.0002", "schedule.kind=constant", "schedule.min_lr=0", "gate.alpha=0.5",        \
        "gate.hypotheses=1"

static const struct scripted_proposal raised[] = {
    {0, "optimizer.lr=0.0008"},
    {0, NULL                 }
};

/* A stretch of a run that is trained by hand: resumed with a setting (NULL: from the beginning),
 * stopped at a step. */
struct stretch {
    char *setting;
    uint64_t stop;
};

static void train_by_hand(const struct campaign_fixture *f, const char *const *settings,
                          const struct stretch *stretches, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct harness_launch launch = {
            .workers = 3, .servers = 1, .stop = &harness_stop, .plan = plan_stop_at};
        launch.expected = stretches[i].stop ? ERR_STOPPED : ERR_NONE;
        harness_stop = 0, harness_stop_step = stretches[i].stop ? stretches[i].stop : UINT64_MAX;
        if (i == 0)
            campaign_run(f, "hand", settings, NULL, &launch);
        else
            campaign_resume(f, "hand", (char *const[]){stretches[i].setting}, 1, NULL, &launch);
    }
}

static void check_bits(const struct campaign_fixture *f, uint64_t run_step, uint64_t hand_step)
{
    struct checkpoint_state found = checkpoint_state_read(campaign_folder(f, "run"), run_step);
    struct checkpoint_state expected = checkpoint_state_read(campaign_folder(f, "hand"), hand_step);
    checkpoint_state_check_equal(&found, &expected);
    checkpoint_state_free(&found);
    checkpoint_state_free(&expected);
}

/* Checks what became of the first hypothesis of "run". The history is the caller's. */
static struct history check_fate(const struct campaign_fixture *f, enum fate fate,
                                 uint64_t promoted_at, bool adopted)
{
    struct history history = ledger_history(f, "run");
    const struct entry *e = history_entry(&history, 1);
    if (e->fate != fate)
        fail_msg("found fate %s, expected %s", fate_name(e->fate), fate_name(fate));
    assert_int_equal(e->promoted_at, promoted_at);
    assert_int_equal(e->promotion->adopted, adopted);
    return history;
}

static void the_last_fork_of_a_promotion_is_the_trunk_from_then_on(void **state)
{
    const struct campaign_fixture *f = *state;
    const char *const settings[] = {TOO_LOW, NULL};
    campaign_run(f, "run", settings, raised, &two_workers);
    struct history history = check_fate(f, FATE_UNCONFIRMED, 80, true);
    assert_string_equal(history_entry(&history, 1)->reason,
                        "no reverse pairs are wanted (gate.confirm)");
    history_clear(&history);
    train_by_hand(f, settings,
                  (struct stretch[]){
                      {NULL,                  60},
                      {"optimizer.lr=0.0008", 0 }
    },
                  2);
    check_bits(f, 160, 160);
    struct lines run = lines_read(f, "run"), hand = lines_read(f, "hand");
    lines_check_equal(&run, "h1.2", &hand, "trunk", 61, 80);
    lines_check_equal(&run, "trunk", &hand, "trunk", 81, 160);
    assert_int_equal(lines_count(&run, "trunk"), 160);
    lines_free(&run);
    lines_free(&hand);
}

static void a_promotion_whose_last_pair_showed_no_gain_is_carried_onto_the_trunk(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal script[] = {
        {0, "optimizer.lr=0.005"},
        {0, NULL                }
    };
    const char *const settings[] = {"optimizer.lr=0.001", "schedule.min_lr=0.0005",
                                    "gate.alpha=0.5",     "gate.hypotheses=1",
                                    "gate.margin=0.2",    NULL};
    campaign_run(f, "run", settings, script, &two_workers);
    struct history history = check_fate(f, FATE_UNCONFIRMED, 100, false);
    assert_true(judge_gain(&history_entry(&history, 1)->forward, 3) <= 0);
    history_clear(&history);
    train_by_hand(f, settings,
                  (struct stretch[]){
                      {NULL,                 100},
                      {"optimizer.lr=0.005", 0  }
    },
                  2);
    check_bits(f, 160, 160);
}

static void a_trunk_with_another_batch_counts_its_steps_on_and_ends_with_its_tokens(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal halved[] = {
        {0, "train.batch=6"},
        {0, NULL           }
    };
    const char *const settings[] = {TOO_LOW, "schedule.warmup=0", NULL};
    campaign_run(f, "run", settings, halved, &two_workers);
    struct history history = check_fate(f, FATE_UNCONFIRMED, 80, true);
    history_clear(&history);
    struct lines run = lines_read(f, "run");
    uint64_t tokens = 0;
    for (uint64_t step = 1; step <= 240; step++)
        tokens += lines_at(&run, "trunk", step)->tokens;
    assert_int_equal(lines_count(&run, "trunk"), 240);
    assert_int_equal(tokens, 160 * 12 * 8);
    // by hand the fork's steps are the trunk's, 40 for 20
    train_by_hand(f, settings,
                  (struct stretch[]){
                      {NULL,              60 },
                      {"train.batch=6",   100},
                      {"train.steps=260", 0  }
    },
                  3);
    check_bits(f, 240, 260);
    lines_free(&run);
}

static void reverse_pairs_that_show_the_gain_again_confirm_a_promotion(void **state)
{
    const struct campaign_fixture *f = *state;
    const char *const settings[] = {TOO_LOW, "gate.confirm=true", NULL};
    campaign_run(f, "run", settings, raised, &two_workers);
    struct history history = check_fate(f, FATE_CONFIRMED, 80, true);
    const struct entry *e = history_entry(&history, 1);
    assert_int_equal(e->reverse.n_pairs, 4);
    assert_true(e->judgement->mean - e->judgement->half_width > 0);
    history_clear(&history);
    train_by_hand(f, settings,
                  (struct stretch[]){
                      {NULL,                  60},
                      {"optimizer.lr=0.0008", 0 }
    },
                  2);
    check_bits(f, 160, 160);
}

/* Also where the tokens of a forward stretch are no whole number of the old recipe's steps in as
 * many of the new one's. */
static void reverse_pairs_of_another_batch_have_the_tokens_of_the_forward_ones(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal third[] = {
        {0, "train.batch=4"},
        {0, NULL           }
    };
    campaign_run(f, "run", (const char *const[]){TOO_LOW, "gate.confirm=true", NULL}, third,
                 &two_workers);
    struct history history = check_fate(f, FATE_CONFIRMED, 80, true);
    const struct entry *e = history_entry(&history, 1);
    assert_int_equal(e->reverse.plan->horizon, 3 * e->forward.plan->horizon);
    assert_int_equal(e->reverse.plan->tail, 3 * e->forward.plan->tail);
    assert_int_equal(e->reverse.n_pairs, 4);
    struct lines run = lines_read(f, "run");
    assert_int_equal(lines_count(&run, "r1.0"), 20);
    assert_int_equal(lines_count(&run, "r1.0-tail"), 10);
    assert_int_equal(lines_count(&run, "trunk"), 80 + 3 * 80);
    assert_int_equal(lines_at(&run, "r1.0", 100)->tokens, 12 * 8);
    lines_free(&run);
    history_clear(&history);
}

/* The higher rate is better by a nat until the loss is near its floor, and by less than the margin
 * then. */
static void reverse_pairs_that_show_too_small_a_gain_take_a_promotion_back(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal script[] = {
        {0, "optimizer.lr=0.004"},
        {0, NULL                }
    };
    const char *const settings[] = {TOO_LOW, "gate.margin=0.3", "gate.confirm=true",
                                    "train.steps=200", NULL};
    campaign_run(f, "run", settings, script, &two_workers);
    struct history history = check_fate(f, FATE_ROLLED_BACK, 100, true);
    assert_int_equal(history.n_promoted, 1);
    assert_string_equal(history.promoted[0]->value, "0.0002");
    history_clear(&history);
    train_by_hand(f, settings,
                  (struct stretch[]){
                      {NULL,                  80 },
                      {"optimizer.lr=0.004",  160},
                      {"optimizer.lr=0.0002", 0  }
    },
                  3);
    check_bits(f, 200, 200);
}

static void what_was_taken_back_is_a_duplicate_and_what_was_tried_beside_it_is_not(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const settings[] = {
        "optimizer.lr=0.0002", "schedule.kind=constant", "schedule.min_lr=0",
        "gate.alpha=0.5",      "gate.hypotheses=6",      "gate.confirm=true",
        "gate.margin=0.3",     "train.steps=400",        NULL};
    static const struct scripted_proposal script[] = {
        {0,   "optimizer.lr=0.004"},
        {120, "optimizer.clip=0.1"},
        {200, "optimizer.lr=0.004"},
        {200, "optimizer.clip=0.1"},
        {0,   NULL                }
    };
    campaign_run(f, "run", settings, script, &(struct harness_launch){.workers = 2, .servers = 1});
    struct history history = ledger_history(f, "run");
    assert_int_equal(history_entry(&history, 1)->fate, FATE_ROLLED_BACK);
    assert_int_equal(history.changed_at, 200);
    assert_int_equal(history_entry(&history, 3)->fate, FATE_REFUSED);
    assert_contains(history_entry(&history, 3)->reason,
                    "duplicate: proposal 1 says the same, and is rolled back");
    assert_non_null(history_entry(&history, 4)->forward.plan);
    history_clear(&history);
}

static void a_hypothesis_beside_one_that_is_promoted_is_superseded(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal script[][3] = {
  // could be promoted as well
        {{0, "optimizer.lr=0.0008"}, {0, "optimizer.lr=0.0004"},  {0, NULL}},
        {{0, "optimizer.lr=0.0008"}, {20, "optimizer.beta2=0.9"}, {0, NULL}}, // has had two pairs
    };
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "later" : "sooner";
        campaign_run(f, name, (const char *const[]){TOO_LOW, "gate.hypotheses=2", NULL}, script[i],
                     &two_workers);
        struct history history = ledger_history(f, name);
        assert_int_equal(history_entry(&history, 1)->promoted_at, 80);
        const struct entry *other = history_entry(&history, 2);
        assert_int_equal(other->fate, FATE_INCONCLUSIVE);
        assert_string_equal(other->reason, "superseded by 1");
        assert_int_equal(other->forward.n_pairs, i ? 2 : 3);
        history_clear(&history);
    }
    campaign_check_same(f, "later", "sooner", 160);
}

/* The gain decides, not the number. */
static void the_better_of_two_that_could_be_promoted_is_promoted(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal script[] = {
        {0, "optimizer.lr=0.0004"},
        {0, "optimizer.lr=0.0008"},
        {0, NULL                 }
    };
    campaign_run(f, "run", (const char *const[]){TOO_LOW, "gate.hypotheses=2", NULL}, script,
                 &two_workers);
    struct history history = ledger_history(f, "run");
    assert_string_equal(history_entry(&history, 1)->reason, "superseded by 2");
    assert_int_equal(history_entry(&history, 2)->promoted_at, 80);
    history_clear(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        campaign_test(the_last_fork_of_a_promotion_is_the_trunk_from_then_on),
        campaign_test(a_promotion_whose_last_pair_showed_no_gain_is_carried_onto_the_trunk),
        campaign_test(a_trunk_with_another_batch_counts_its_steps_on_and_ends_with_its_tokens),
        campaign_test(reverse_pairs_that_show_the_gain_again_confirm_a_promotion),
        campaign_test(reverse_pairs_of_another_batch_have_the_tokens_of_the_forward_ones),
        campaign_test(reverse_pairs_that_show_too_small_a_gain_take_a_promotion_back),
        campaign_test(what_was_taken_back_is_a_duplicate_and_what_was_tried_beside_it_is_not),
        campaign_test(a_hypothesis_beside_one_that_is_promoted_is_superseded),
        campaign_test(the_better_of_two_that_could_be_promoted_is_promoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
