/* A fork that changes nothing goes on bit for bit like its trunk. */
#include "tests/unit/roles/campaign_harness.h"

static const struct scripted_proposal noop[] = {
    {0, "optimizer.lr=0.01"},
    {0, NULL               }
};

enum { STOP = 55 };

/* Stops soon after the pair has been measured. */
static const struct harness_launch one_pair = {
    .stop = &harness_stop, .plan = plan_stop_at, .allow_noop = true, .expected = ERR_STOPPED};

/* Trunk and fork take turns on the workers, alone at times. */
static void plan_moves(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    for (size_t w = 0; w < n_workers; w++)
        active[w] = (step + w + trial) % 3 == 0 || w == (step + 2 * trial) % n_workers;
    plan_stop_at(active, n_workers, trial, step);
}

static void check_noop(const struct campaign_fixture *f, const char *name)
{
    struct lines lines = lines_read(f, name);
    lines_check_equal(&lines, "h1.0", &lines, "trunk", 41, 50);
    // tails begin from weights and moments: they are the same ones
    lines_check_equal(&lines, "h1.0-tail", &lines, "trunk-tail.50.5", 51, 55);
    lines_free(&lines);
    struct history history = ledger_history(f, name);
    const struct attempt *attempt = &history_entry(&history, 1)->forward;
    assert_int_equal(attempt->n_pairs, 1);
    assert_true(attempt->pairs[0]->trunk_loss == attempt->pairs[0]->fork_loss);
    assert_true(attempt->pairs[0]->window_variance == 0);
    history_clear(&history);
}

static void a_fork_that_changes_nothing_has_the_trunks_bits_on_any_number_of_ranks(void **state)
{
    const struct campaign_fixture *f = *state;
    static const int numbers[][3] = {
        {1, 1, 2},
        {2, 2, 1},
        {3, 1, 1},
        {4, 2, 2}
    }; // workers, servers, room
    for (int i = 0; i < 4; i++) {
        char name[8];
        snprintf(name, sizeof name, "run%d", i);
        struct harness_launch launch = one_pair;
        launch.workers = numbers[i][0], launch.servers = numbers[i][1], launch.room = numbers[i][2];
        harness_stop = 0, harness_stop_step = STOP;
        campaign_run(f, name, (const char *const[]){NULL}, noop, &launch);
        check_noop(f, name);
        campaign_check_same(f, name, "run0", STOP);
    }
}

static void
a_fork_that_changes_nothing_has_the_trunks_bits_where_workers_move_between_them(void **state)
{
    const struct campaign_fixture *f = *state;
    for (int workers = 2; workers <= 4; workers++) {
        char name[8];
        snprintf(name, sizeof name, "run%d", workers);
        struct harness_launch launch = one_pair;
        launch.workers = workers, launch.servers = 2, launch.room = 1;
        launch.plan = plan_moves;
        harness_stop = 0, harness_stop_step = STOP;
        campaign_run(f, name, (const char *const[]){"optimizer.clip=0.2", "eval.every=15", NULL},
                     noop, &launch);
        check_noop(f, name);
        campaign_check_same(f, name, "run2", STOP);
    }
}

static void a_pair_that_is_the_same_twice_closes_the_hypothesis_as_without_effect(void **state)
{
    const struct campaign_fixture *f = *state;
    const struct harness_launch launch = {.workers = 2, .servers = 1, .allow_noop = true};
    campaign_run(f, "run", (const char *const[]){NULL}, noop, &launch);
    struct history history = ledger_history(f, "run");
    const struct entry *entry = history_entry(&history, 1);
    assert_string_equal(entry_word(entry), "without effect");
    assert_int_equal(entry->forward.n_pairs, 1);
    assert_contains(entry->reason, "its pairs do not vary at all");
    assert_true(entry->judgement->mean == 0 && entry->judgement->probability == 0);
    history_clear(&history);
}

/* The tests above can fail: even a change of the last digit makes a difference. */
static void a_fork_that_changes_the_least_bit_differs_from_the_trunk(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal least[] = {
        {0, "optimizer.lr=0.010000001"},
        {0, NULL                      }
    };
    struct harness_launch launch = one_pair;
    launch.workers = 2, launch.servers = 1;
    harness_stop_step = STOP;
    campaign_run(f, "run", (const char *const[]){NULL}, least, &launch);
    struct lines lines = lines_read(f, "run");
    assert_true(lines_at(&lines, "h1.0", 41)->loss == lines_at(&lines, "trunk", 41)->loss);
    assert_true(lines_at(&lines, "h1.0", 50)->loss != lines_at(&lines, "trunk", 50)->loss);
    lines_free(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        campaign_test(a_fork_that_changes_nothing_has_the_trunks_bits_on_any_number_of_ranks),
        campaign_test(
            a_fork_that_changes_nothing_has_the_trunks_bits_where_workers_move_between_them),
        campaign_test(a_pair_that_is_the_same_twice_closes_the_hypothesis_as_without_effect),
        campaign_test(a_fork_that_changes_the_least_bit_differs_from_the_trunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
