/* An adoption makes a fork the trunk, bit for bit; the fork with the recipe from before keeps it or
 * takes it back, and proves what is claimed. */
#include "tests/unit/roles/campaign_harness.h"

static const struct harness_launch two_workers = {.workers = 2, .servers = 2};

/* A rate that is too low by far: a higher one shows in one pair. */
#define TOO_LOW "optimizer.lr=0.0002", "schedule.kind=constant", "schedule.min_lr=0"
/* A rate in whose place a higher one that falls to 0 is better at first, and soon worse. */
#define STEADY  "optimizer.lr=0.0008", "schedule.kind=constant", "schedule.min_lr=0"
#define FALLING "optimizer.lr=0.00116 schedule.kind=linear"

static const struct scripted_proposal raised[] = {
    {0, "optimizer.lr=0.0008"},
    {0, NULL                 }
};

static const struct scripted_proposal falling[] = {
    {0, FALLING},
    {0, NULL   }
};

/* A part of a run that is trained by hand: resumed with settings (NULL: from the beginning),
 * stopped at a step. */
struct leg {
    const char *settings;
    uint64_t stop;
};

static void train_by_hand(const struct campaign_fixture *f, const char *const *settings,
                          const struct leg *legs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct harness_launch launch = {.workers = 3,
                                        .servers = 1,
                                        .stop = &harness_stop,
                                        .plan = plan_stop_at,
                                        .expected = ERR_STOPPED};
        char *copy = mem_strdup(legs[i].settings ? legs[i].settings : ""), *save = NULL, *words[4];
        size_t n_words = 0;
        for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
            words[n_words++] = w;
        harness_stop = 0, harness_stop_step = legs[i].stop;
        if (i == 0)
            campaign_run(f, "hand", settings, NULL, &launch);
        else
            campaign_resume(f, "hand", words, n_words, NULL, &launch);
        free(copy);
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

/* Checks what became of the first hypothesis of "run", which was adopted at step 50 after one pair.
 * The history is the caller's. */
static struct history check_adopted(const struct campaign_fixture *f, const char *word,
                                    size_t n_reverse)
{
    struct history history = ledger_history(f, "run");
    const struct entry *e = history_entry(&history, 1);
    assert_string_equal(entry_word(e), word);
    assert_int_equal(e->promoted_at, 50);
    assert_int_equal(e->promotion->adopted, 1);
    assert_int_equal(e->forward.n_pairs, 1);
    assert_int_equal(e->reverse.n_pairs, n_reverse);
    return history;
}

static void an_adopted_fork_is_the_trunk_from_then_on(void **state)
{
    const struct campaign_fixture *f = *state;
    const char *const settings[] = {TOO_LOW, NULL};
    campaign_run(f, "run", settings, raised, &two_workers);
    struct history history = check_adopted(f, "kept", 1);
    assert_string_equal(history.promoted[0]->value, "0.0008");
    history_clear(&history);
    train_by_hand(f, settings,
                  (struct leg[]){
                      {NULL,                  40 },
                      {"optimizer.lr=0.0008", 116}
    },
                  2);
    check_bits(f, 116, 116);
    struct lines run = lines_read(f, "run"), hand = lines_read(f, "hand");
    lines_check_equal(&run, "h1.0", &hand, "trunk", 41, 50);
    lines_check_equal(&run, "trunk", &hand, "trunk", 51, 116);
    assert_int_equal(lines_count(&run, "trunk"), 116);
    lines_free(&run);
    lines_free(&hand);
}

/* All arms of a stretch have the rates of a trunk as long as it was planned when it began. */
static void the_trunk_and_its_forks_are_planned_for_what_experiments_left(void **state)
{
    const struct campaign_fixture *f = *state;
    const char *const settings[] = {"optimizer.lr=0.0002", "schedule.min_lr=0", NULL};
    campaign_run(f, "run", settings, raised, &two_workers);
    struct history history = check_adopted(f, "kept", 1);
    assert_int_equal(history.spent, 2 * 22 * 12 * 8);
    history_clear(&history);
    train_by_hand(f, settings,
                  (struct leg[]){
                      {NULL,                  40 },
                      {"optimizer.lr=0.0008", 50 },
                      {"train.steps=138",     60 },
                      {"train.steps=116",     115}
    },
                  4);
    struct lines run = lines_read(f, "run"), hand = lines_read(f, "hand");
    lines_check_equal(&run, "h1.0", &hand, "trunk", 41, 50);
    lines_check_equal(&run, "trunk", &hand, "trunk", 51, 115);
    assert_int_equal(lines_count(&run, "trunk"), 116);
    // where they are at the end: the rate of the last step is all but 0
    assert_true(lines_at(&run, "trunk", 116)->lr < 1e-6 * 0.0008 + 0.0008 * 0.001);
    lines_free(&run);
    lines_free(&hand);
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
    struct history history = check_adopted(f, "kept", 1);
    struct lines run = lines_read(f, "run");
    uint64_t tokens = history.spent;
    for (uint64_t step = 1; step <= 200; step++)
        tokens += lines_at(&run, "trunk", step)->tokens;
    assert_int_equal(lines_count(&run, "trunk"), 200);
    assert_int_equal(tokens, 160 * 12 * 8);
    history_clear(&history);
    // by hand the fork's steps are the trunk's, 20 for 10
    train_by_hand(f, settings,
                  (struct leg[]){
                      {NULL,                            40 },
                      {"train.batch=6 train.steps=260", 210}
    },
                  2);
    check_bits(f, 200, 210);
    lines_free(&run);
}

/* The fork with the recipe from before begins from the new trunk, where that began. */
static void a_watch_is_a_fork_of_the_new_trunk_with_the_recipe_from_before(void **state)
{
    const struct campaign_fixture *f = *state;
    const char *const settings[] = {TOO_LOW, NULL};
    campaign_run(f, "run", settings, raised, &two_workers);
    struct history history = check_adopted(f, "kept", 1);
    const struct attempt *watch = &history_entry(&history, 1)->reverse;
    // the new recipe has the lower loss again
    assert_true(watch->pairs[0]->fork_loss - watch->pairs[0]->trunk_loss > 0.05);
    assert_true(watch->judgement->mean > 0.05 && watch->judgement->probability >= 0.8);
    history_clear(&history);
    train_by_hand(f, settings,
                  (struct leg[]){
                      {NULL,                  40},
                      {"optimizer.lr=0.0008", 50},
                      {"optimizer.lr=0.0002", 60}
    },
                  3);
    struct lines run = lines_read(f, "run"), hand = lines_read(f, "hand");
    lines_check_equal(&run, "r1.0", &hand, "trunk", 51, 60);
    lines_free(&run);
    lines_free(&hand);
}

/* Also where the tokens of a stretch are no whole number of the old recipe's steps in as many of
 * the new one's. */
static void a_watch_over_another_batch_has_the_tokens_of_the_trunk(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal third[] = {
        {0, "train.batch=4"},
        {0, NULL           }
    };
    campaign_run(f, "run", (const char *const[]){TOO_LOW, NULL}, third, &two_workers);
    struct history history = check_adopted(f, "kept", 1);
    // 12 steps of 32 tokens and a tail of 6 are 4 and 2 of 96; of 10, as they would be, not
    assert_int_equal(history_entry(&history, 1)->reverse.pairs[0]->step, 62);
    assert_int_equal(history_entry(&history, 1)->reverse.pairs[0]->tokens, (4 + 2 + 1) * 96);
    struct lines run = lines_read(f, "run");
    assert_int_equal(lines_count(&run, "r1.0"), 4);
    assert_int_equal(lines_count(&run, "r1.0-tail"), 2);
    assert_int_equal(lines_count(&run, "trunk-tail.62.6"), 6);
    assert_int_equal(lines_at(&run, "r1.0", 54)->tokens, 12 * 8);
    assert_int_equal(lines_at(&run, "trunk", 54)->tokens, 4 * 8);
    lines_free(&run);
    history_clear(&history);
}

static void a_watch_that_shows_a_loss_takes_the_adoption_back(void **state)
{
    const struct campaign_fixture *f = *state;
    const char *const settings[] = {STEADY, NULL};
    campaign_run(f, "run", settings, falling, &two_workers);
    struct history history = check_adopted(f, "taken back", 1);
    assert_true(history_entry(&history, 1)->judgement->mean < 0);
    assert_int_equal(history.changed_at, 63);
    assert_int_equal(history.n_promoted, 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(history.promoted[i]->value, i ? "constant" : "0.0008");
    history_clear(&history);
    // the fork that goes on as the trunk has the old recipe since the adoption
    train_by_hand(
        f, settings,
        (struct leg[]){
            {NULL,                                         40},
            {FALLING,                                      50},
            {"optimizer.lr=0.0008 schedule.kind=constant", 87}
    },
        3);
    check_bits(f, 87, 87);
    struct lines run = lines_read(f, "run"), hand = lines_read(f, "hand");
    lines_check_equal(&run, "h1.0", &hand, "trunk", 41, 50);
    lines_check_equal(&run, "r1.0", &hand, "trunk", 51, 63);
    lines_check_equal(&run, "trunk", &hand, "trunk", 64, 87);
    assert_int_equal(lines_count(&run, "trunk"), 87);
    lines_free(&run);
    lines_free(&hand);
}

/* After the watch's stretch the trunk is planned for 87 steps, and the next one would end at step
 * 95; before it the trunk was planned for 128. */
static void a_watch_that_is_undecided_when_no_further_stretch_fits_ends_by_its_mean(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const patches[] = {"optimizer.lr=0.0014246 schedule.kind=linear",
                                          "optimizer.lr=0.0014261 schedule.kind=linear"};
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "better" : "worse";
        campaign_run(f, name,
                     (const char *const[]){
                         STEADY, NULL
        },
                     (const struct scripted_proposal[]){{0, patches[i]}, {0, NULL}}, &two_workers);
        struct history history = ledger_history(f, name);
        const struct entry *e = history_entry(&history, 1);
        assert_true(e->judgement->probability > 0.2 && e->judgement->probability < 0.8);
        assert_string_equal(entry_word(e), i ? "kept" : "taken back");
        assert_int_equal(e->judgement->cause, TRIREME__CAUSE__gains);
        history_clear(&history);
    }
}

static void what_was_taken_back_is_a_duplicate_and_what_was_tried_beside_it_is_not(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const settings[] = {STEADY, "experiment.forks=1", "train.steps=440", NULL};
    static const struct scripted_proposal script[] = {
        {0,  "optimizer.lr=0.0009 schedule.kind=linear"},
        {0,  "optimizer.lr=0.0007"                     }, // for which there is room from step 50 on
        {70, "optimizer.lr=0.0009 schedule.kind=linear"},
        {70, "optimizer.lr=0.0007"                     },
        {0,  NULL                                      }
    };
    campaign_run(f, "run", settings, script, &(struct harness_launch){.workers = 2, .servers = 1});
    struct history history = check_adopted(f, "taken back", 1);
    const struct entry *beside = history_entry(&history, 2);
    assert_int_equal(history.changed_at, 63);
    assert_string_equal(entry_word(beside), "superseded");
    assert_string_equal(beside->reason, "the recipe from before is in force again");
    assert_int_equal(beside->forward.n_pairs, 1);
    assert_int_equal(history_entry(&history, 3)->fate, FATE_REFUSED);
    assert_contains(history_entry(&history, 3)->reason,
                    "duplicate: proposal 1 says the same, and is taken back");
    assert_int_equal(history_entry(&history, 4)->forward.n_pairs, 1);
    history_clear(&history);
}

static void a_hypothesis_beside_one_that_is_adopted_is_superseded(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal script[][3] = {
        {{0, "optimizer.lr=0.0008"}, {0, "optimizer.lr=0.0004"}, {0, NULL}}, // a gain, and far less
        {{0, "optimizer.lr=0.0008"}, {0, "optimizer.beta2=0.9"}, {0, NULL}},
    };
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "null" : "less";
        campaign_run(f, name, (const char *const[]){TOO_LOW, NULL}, script[i], &two_workers);
        struct history history = ledger_history(f, name);
        assert_int_equal(history_entry(&history, 1)->promoted_at, 50);
        const struct entry *other = history_entry(&history, 2);
        assert_string_equal(entry_word(other), "superseded");
        assert_string_equal(other->reason, "hypothesis 1 is part of the recipe now");
        assert_int_equal(other->forward.n_pairs, 1);
        history_clear(&history);
    }
    campaign_check_same(f, "less", "null", 100);
}

/* The gain decides, not the number. */
static void the_better_of_two_that_could_be_adopted_is_adopted(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal script[] = {
        {0, "optimizer.lr=0.0004"},
        {0, "optimizer.lr=0.0008"},
        {0, NULL                 }
    };
    campaign_run(f, "run", (const char *const[]){TOO_LOW, NULL}, script, &two_workers);
    struct history history = ledger_history(f, "run");
    const struct entry *less = history_entry(&history, 1);
    assert_true(less->judgement->probability >= 0.95);
    assert_string_equal(less->reason, "hypothesis 2 is part of the recipe now");
    assert_int_equal(history_entry(&history, 2)->promoted_at, 50);
    history_clear(&history);
}

/* As good as the adopted one, by one pair. What it is against the new trunk is another matter: its
 * rate was the higher one, and is the lower one now. */
static void a_rival_of_what_is_adopted_is_tried_again_against_the_new_trunk(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal script[] = {
        {0, "optimizer.lr=0.0008" },
        {0, "optimizer.lr=0.00079"},
        {0, NULL                  }
    };
    campaign_run(f, "run", (const char *const[]){TOO_LOW, "train.steps=400", NULL}, script,
                 &two_workers);
    struct history history = check_adopted(f, "kept", 1);
    const struct entry *rival = history_entry(&history, 2);
    assert_true(rival->returned);
    assert_int_equal(history.registered, 2);
    assert_int_equal(rival->forward.n_before, 1);
    assert_int_equal(rival->forward.n_pairs, 1);
    assert_true(rival->forward.plan->calm);
    assert_string_equal(entry_word(rival), "beaten");
    // the watch is plain: until it is over, at step 60, the rival waits
    assert_int_equal(rival->forward.pairs[0]->step, 75);
    assert_int_equal(rival->forward.pairs[0]->pair, 1);
    history_clear(&history);
    struct lines run = lines_read(f, "run");
    assert_int_equal(lines_count(&run, "h2.1"), 15);
    assert_int_equal(lines_count(&run, "h2.1-tail"), 15);
    lines_free(&run);
}

static void a_change_that_cannot_be_undone_needs_two_pairs_and_is_not_watched(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal skips[] = {
        {0, "optimizer.lr=0.0008 data.skip=5"},
        {0, NULL                             }
    };
    const char *const settings[] = {TOO_LOW, "gate.claims=all", NULL};
    campaign_run(f, "run", settings, skips, &two_workers);
    struct history history = ledger_history(f, "run");
    const struct entry *e = history_entry(&history, 1);
    assert_int_equal(e->promoted_at, 60);
    assert_int_equal(e->forward.n_pairs, 2);
    assert_true(e->forward.judgement->probability >= 0.95);
    assert_string_equal(entry_word(e), "kept");
    assert_int_equal(e->judgement->cause, TRIREME__CAUSE__no_inverse);
    assert_null(e->reverse.plan);
    assert_null(e->claim);
    history_clear(&history);
    // of the second pair, which began from the trunk of step 50
    train_by_hand(f, settings,
                  (struct leg[]){
                      {NULL,                              50 },
                      {"optimizer.lr=0.0008 data.skip=5", 116}
    },
                  2);
    check_bits(f, 116, 116);
}

/* Records of an entry's claim in the ledger: the place of each among all records, and that of its
 * first reverse pair. */
struct claim_places {
    size_t registered, answered, first_pair;
};

static struct claim_places find_claim(const struct campaign_fixture *f, uint32_t number)
{
    struct err err;
    struct ledger *ledger = ledger_open(campaign_folder(f, "run"), false, &err);
    struct claim_places places = {0};
    bool adopted = false;
    assert_non_null(ledger);
    for (size_t i = 0; i < ledger_records(ledger); i++) {
        const Trireme__Record *r = ledger_record(ledger, i);
        if (r->number != number)
            continue;
        adopted = adopted || r->kind == TRIREME__RECORD_KIND__promotion;
        if (r->kind == TRIREME__RECORD_KIND__claim)
            *(places.registered ? &places.answered : &places.registered) = i + 1;
        if (r->kind == TRIREME__RECORD_KIND__observation && adopted && !places.first_pair)
            places.first_pair = i + 1;
    }
    ledger_free(ledger);
    return places;
}

static void a_claim_is_registered_before_its_first_pair_and_proven_by_the_third(void **state)
{
    const struct campaign_fixture *f = *state;
    campaign_run(f, "run",
                 (const char *const[]){TOO_LOW, "gate.claims=all", "train.steps=400", NULL}, raised,
                 &two_workers);
    struct history history = check_adopted(f, "claimed", 3);
    const struct entry *e = history_entry(&history, 1);
    assert_int_equal(e->claim->t, 1);
    assert_true(e->claim->alpha == 0.05);
    assert_int_equal(e->claim->pairs, 3);
    assert_true(e->claim->mean > 0.1 && e->claim->mean - e->claim->half_width > 0);
    assert_true(e->claim->p <= 0.3 * 0.05);
    // the first pair was enough to keep it; the others are the claim's, and cost no stake
    assert_int_equal(e->judgement->pairs, 1);
    assert_int_equal(history.claims, 1);
    assert_int_equal(history.claimed, 1);
    assert_int_equal(history.since, 0);
    struct claim_places places = find_claim(f, 1);
    assert_true(places.registered && places.registered < places.first_pair &&
                places.first_pair < places.answered);
    struct lines run = lines_read(f, "run");
    assert_int_equal(lines_count(&run, "trunk"), 400 - 3 * 22 - 26);
    lines_free(&run);
    history_clear(&history);
}

static void a_claim_ends_unproven_where_its_adoption_is_taken_back(void **state)
{
    const struct campaign_fixture *f = *state;
    campaign_run(f, "run",
                 (const char *const[]){
                     STEADY, "gate.claims=all", "train.steps=480", "gate.margin=0", NULL
    },
                 (const struct scripted_proposal[]){
                     {0, "optimizer.lr=0.00089 schedule.kind=linear"}, {0, NULL}},
                 &two_workers);
    struct history history = check_adopted(f, "taken back", 1);
    const struct entry *e = history_entry(&history, 1);
    assert_int_equal(e->claim->answer, TRIREME__CLAIM__ANSWER__unproven);
    assert_int_equal(e->claim->cause, TRIREME__CAUSE__taken_back);
    assert_int_equal(history.claims, 1);
    assert_int_equal(history.claimed, 0);
    history_clear(&history);
}

static void a_later_adoption_ends_a_claim_that_is_open(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal twice[] = {
        {0,  "optimizer.lr=0.0008"},
        {50, "optimizer.lr=0.003" },
        {0,  NULL                 }
    };
    campaign_run(f, "run",
                 (const char *const[]){TOO_LOW, "gate.claims=all", "train.steps=600", NULL}, twice,
                 &two_workers);
    struct history history = check_adopted(f, "kept", 2);
    const struct entry *first = history_entry(&history, 1), *second = history_entry(&history, 2);
    assert_int_equal(first->claim->answer, TRIREME__CLAIM__ANSWER__unproven);
    assert_int_equal(first->claim->cause, TRIREME__CAUSE__superseded);
    assert_int_equal(second->promoted_at, 70);
    // claims that were registered cost alpha, whatever became of them
    assert_int_equal(second->claim->t, 2);
    assert_true(second->claim->alpha < 0.0167);
    assert_int_equal(history.claims, 2);
    assert_string_equal(history.promoted[0]->value, "0.003");
    history_clear(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        campaign_test(an_adopted_fork_is_the_trunk_from_then_on),
        campaign_test(the_trunk_and_its_forks_are_planned_for_what_experiments_left),
        campaign_test(a_trunk_with_another_batch_counts_its_steps_on_and_ends_with_its_tokens),
        campaign_test(a_watch_is_a_fork_of_the_new_trunk_with_the_recipe_from_before),
        campaign_test(a_watch_over_another_batch_has_the_tokens_of_the_trunk),
        campaign_test(a_watch_that_shows_a_loss_takes_the_adoption_back),
        campaign_test(a_watch_that_is_undecided_when_no_further_stretch_fits_ends_by_its_mean),
        campaign_test(what_was_taken_back_is_a_duplicate_and_what_was_tried_beside_it_is_not),
        campaign_test(a_hypothesis_beside_one_that_is_adopted_is_superseded),
        campaign_test(the_better_of_two_that_could_be_adopted_is_adopted),
        campaign_test(a_rival_of_what_is_adopted_is_tried_again_against_the_new_trunk),
        campaign_test(a_change_that_cannot_be_undone_needs_two_pairs_and_is_not_watched),
        campaign_test(a_claim_is_registered_before_its_first_pair_and_proven_by_the_third),
        campaign_test(a_claim_ends_unproven_where_its_adoption_is_taken_back),
        campaign_test(a_later_adoption_ends_a_claim_that_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
