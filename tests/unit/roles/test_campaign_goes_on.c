/* A campaign that was stopped or killed at any step goes on with the same bits and ledger. */
#include "tests/unit/roles/campaign_harness.h"

#include <math.h>

enum { LAUNCHES_MAX = 60 };

struct campaign_case {
    const char *settings[16];
    struct scripted_proposal script[5];
    uint64_t steps; /* the trunk's at the end */
    unsigned adoptions, reverse_pairs;
};

/* A rate that is too low by far. */
#define TOO_LOW "optimizer.lr=0.0002", "schedule.kind=constant", "schedule.min_lr=0"

// clang-format off
static const struct campaign_case cases[] = {
    // hypotheses of both classes at once and later, an adoption, its watch, its claim
    {{TOO_LOW, "gate.claims=all", "train.steps=400", "checkpoint.every=7", "eval.every=15",
      "eval.samples=5"},
     {{0, "optimizer.lr=0.0008"}, {0, "data.sources.1.weight=3"}, {20, "optimizer.clip=0.1"},
      {40, "optimizer.weight_decay=0.2"}}, 276, 1, 3},
    // a fork that diverges, an adoption that renumbers the steps, rates that depend on the length
    {{"optimizer.lr=0.0002", "schedule.min_lr=0", "train.steps=240", "checkpoint.every=50"},
     {{0, "train.batch=6"}, {0, "optimizer.lr=100 optimizer.weight_decay=10"}}, 350, 1, 1},
    // an adoption that is taken back, with its claim
    {{"optimizer.lr=0.0008", "schedule.kind=constant", "schedule.min_lr=0", "gate.claims=all",
      "gate.margin=0", "experiment.forks=1", "train.steps=480"},
     {{0, "optimizer.lr=0.00089 schedule.kind=linear"}, {0, "optimizer.lr=0.0007"}}, 380, 1, 1},
    // tokens for one stretch: too few for the second pair that a gain needs which cannot be undone
    {{TOO_LOW, "gate.stake=0.3", "checkpoint.every=7"},
     {{0, "optimizer.lr=0.0008 data.skip=5"}, {0, "optimizer.clip=0.1"},
      {0, "optimizer.beta2=0.9"}}, 122, 0, 0},
    // rivals that return, one of which ends the claim of the adopted one, and cannot be undone
    {{TOO_LOW, "gate.claims=all", "train.steps=400"},
     {{0, "optimizer.lr=0.0008"}, {0, "optimizer.lr=0.00082"},
      {20, "optimizer.lr=0.003 data.skip=5"}}, 270, 2, 2},
};
// clang-format on
enum { CASES = sizeof cases / sizeof *cases };

static uint64_t leases, leases_max; /* that went out in this launch; after which it stops */

static void plan_counts(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    (void)active, (void)n_workers, (void)trial, (void)step;
    harness_stop = ++leases >= leases_max;
}

/* Another number of workers and servers in each launch. */
static struct harness_launch launch_of(int launch)
{
    static const int numbers[][3] = {
        {2, 1, 2},
        {3, 2, 1},
        {1, 3, 1},
        {4, 1, 2}
    }; // workers, servers, room
    const int *n = numbers[launch % 4];
    return (struct harness_launch){.workers = n[0], .servers = n[1], .room = n[2]};
}

/* Runs the whole campaign in one launch, and checks its adoptions and reverse pairs. */
static void run_whole(const struct campaign_fixture *f, const struct campaign_case *c,
                      const char *name)
{
    struct harness_launch launch = launch_of(0);
    campaign_run(f, name, c->settings, c->script, &launch);
    struct history history = ledger_history(f, name);
    unsigned adoptions = 0;
    size_t reverse_pairs = 0;
    for (size_t i = 0; i < history.n; i++) {
        adoptions += history.entries[i].promotion != NULL;
        reverse_pairs += history.entries[i].reverse.n_pairs;
    }
    assert_int_equal(adoptions, c->adoptions);
    assert_int_equal(reverse_pairs, c->reverse_pairs);
    history_clear(&history);
}

/* Checks that a run in pieces has the bits, the lines and the ledger of the whole one. */
static void check_whole(const struct campaign_fixture *f, const struct campaign_case *c,
                        const char *name, const char *whole)
{
    campaign_check_same(f, name, whole, c->steps);
    struct lines found = lines_read(f, name), expected = lines_read(f, whole);
    for (size_t i = 0; i < expected.n; i++)
        lines_check_equal(&found, expected.items[i]->trial, &expected, expected.items[i]->trial,
                          expected.items[i]->step, expected.items[i]->step);
    assert_int_equal(found.n, expected.n);
    assert_int_equal(found.n_evals, expected.n_evals);
    lines_free(&found);
    lines_free(&expected);
    ledgers_check_equal(f, name, whole);
    ledger_check_sums(f, name);
}

/* Where a launch stops, as soon as a trial of at least that number is leased that step. The next
 * launch is killed. */
static struct point {
    const char *where;
    uint32_t trial;
    uint64_t step;
} point;

// clang-format off
static const struct point points[] = {
    {"in mid stretch",                           0, 44 },
    {"where a stretch ends",                     0, 49 },
    {"in the tails before an adoption",          1, 52 },
    {"in the stretch of a watch",                0, 57 },
    {"in tails behind an evaluation",            0, 62 },
    {"in the stretch of a claim",                0, 77 },
    {"in the tails of a look",                   0, 84 },
    {"before the last step",                     0, 274},
    {"at the last step",                         0, 275},
};
// clang-format on

static void plan_stops_there(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    (void)active, (void)n_workers;
    if (trial >= point.trial && step >= point.step)
        harness_stop = 1;
}

static void
a_campaign_that_was_stopped_anywhere_goes_on_elsewhere_with_the_same_ledger_and_bits(void **state)
{
    const struct campaign_fixture *f = *state;
    const struct campaign_case *c = &cases[0];
    run_whole(f, c, "whole");
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        print_message("%s\n", points[i].where);
        char *name = mem_format("stopped%zu", i);
        struct harness_launch launch = launch_of((int)i);
        launch.plan = plan_stops_there, launch.stop = &harness_stop, launch.may_stop = true;
        point = points[i];
        harness_stop = 0;
        // what is due at the last step is left to the next launch, too
        assert_false(campaign_run(f, name, c->settings, c->script, &launch));
        launch = launch_of((int)i + 1);
        // from the tails before the adoption: past a checkpoint in a reverse pair
        launch.killed_after = 460;
        campaign_run(f, name, c->settings, c->script, &launch);
        launch = launch_of((int)i + 2);
        campaign_run(f, name, c->settings, c->script, &launch);
        check_whole(f, c, name, "whole");
        free(name);
    }
}

/* Many launches: each is stopped after some leases, or killed after some turns. Forks that were
 * killed begin again, so launches must become long enough for a whole pair. */
static void
a_campaign_stopped_and_killed_again_and_again_comes_to_the_same_ledger_and_bits(void **state)
{
    const struct campaign_fixture *f = *state;
    for (int i = 0; i < CASES; i++) {
        const struct campaign_case *c = &cases[i];
        int launches = 0;
        bool over = false;
        char whole[16], pieces[16];
        snprintf(whole, sizeof whole, "whole%d", i);
        snprintf(pieces, sizeof pieces, "pieces%d", i);
        print_message("case %d\n", i);
        run_whole(f, c, whole);
        for (; !over && launches < LAUNCHES_MAX; launches++) {
            struct harness_launch launch = launch_of(launches);
            launch.plan = plan_counts, launch.stop = &harness_stop, launch.may_stop = true;
            leases = 0, leases_max = launches % 3 ? UINT64_MAX : 30 + 25 * (uint64_t)launches;
            launch.killed_after = launches % 3 ? 100 + 37 * (uint64_t)launches : 0;
            harness_stop = 0;
            over = campaign_run(f, pieces, c->settings, c->script, &launch);
        }
        assert_true(over && launches > 3);
        check_whole(f, c, pieces, whole);
    }
}

/* Each launch is far shorter than a pair. No step is trained a second time. */
static void short_launches_that_are_stopped_lose_no_step(void **state)
{
    enum { LEASES = 7 };
    const struct campaign_fixture *f = *state;
    const struct campaign_case *c = &cases[0];
    struct harness_launch launch = launch_of(0);
    launch.plan = plan_counts, launch.stop = &harness_stop;
    leases = 0, leases_max = UINT64_MAX;
    campaign_run(f, "whole", c->settings, c->script, &launch);
    const uint64_t all = leases;
    uint64_t launches = 0, sum = 0;
    for (bool over = false; !over && launches <= all; launches++) {
        launch = launch_of((int)launches);
        launch.plan = plan_counts, launch.stop = &harness_stop, launch.may_stop = true;
        leases = 0, leases_max = LEASES;
        harness_stop = 0;
        over = campaign_run(f, "pieces", c->settings, c->script, &launch);
        sum += leases;
    }
    print_message("%llu steps in %llu launches\n", (unsigned long long)all,
                  (unsigned long long)launches);
    assert_true(launches > all / (2 * LEASES));
    assert_int_equal(sum, all);
    check_whole(f, c, "pieces", "whole");
}

/* Flips a bit in each file below the folder whose name begins so. Returns the number of files. */
static unsigned damage(const char *folder, const char *begin)
{
    struct err err;
    size_t n = 0, size = 0;
    unsigned found = 0;
    char **names = file_is_dir(folder) ? file_names(folder, &n, ERR_DATA, &err) : NULL;
    for (size_t i = 0; i < n; i++) {
        char *path = file_join(folder, names[i]);
        if (file_is_dir(path)) {
            found += damage(path, begin);
        } else if (!strncmp(names[i], begin, strlen(begin))) {
            char *bytes = file_read(path, &size, ERR_DATA, &err);
            bytes[size / 2] ^= 1;
            assert_int_equal(file_write_atomic(path, bytes, size, ERR_DATA, &err), 0);
            free(bytes);
            found++;
        }
        free(path);
    }
    if (names)
        file_names_free(names);
    return found;
}

static void a_suspended_fork_that_is_damaged_or_no_checkpoint_is_trained_again(void **state)
{
    static const char *const files[] = {"shard-", "manifest.json"};
    const struct campaign_fixture *f = *state;
    const struct campaign_case *c = &cases[0];
    run_whole(f, c, "whole");
    for (int i = 0; i < 2; i++) {
        struct harness_launch launch = launch_of(i);
        launch.plan = plan_stops_there, launch.stop = &harness_stop, launch.may_stop = true;
        point = points[0];
        harness_stop = 0;
        assert_false(campaign_run(f, files[i], c->settings, c->script, &launch));
        char *at = checkpoint_folder(campaign_folder(f, files[i]), point.step + 1),
             *folder = file_join(at, "suspended");
        assert_true(damage(folder, files[i]) >= 2); // two forks were under way
        launch = launch_of(i + 1);
        campaign_run(f, files[i], c->settings, c->script, &launch);
        check_whole(f, c, files[i], "whole");
        free(folder);
        free(at);
    }
}

static unsigned corrections(const struct campaign_fixture *f, const char *name)
{
    struct err err;
    struct ledger *ledger = ledger_open(campaign_folder(f, name), false, &err);
    unsigned n = 0;
    for (size_t i = 0; i < ledger_records(ledger); i++)
        n += ledger_record(ledger, i)->kind == TRIREME__RECORD_KIND__correction;
    ledger_free(ledger);
    return n;
}

/* However early the launch with the operator's change dies, the next one writes no second record of
 * it. */
static void what_an_operator_changed_is_told_once(void **state)
{
    const struct campaign_fixture *f = *state;
    const struct campaign_case *c = &cases[0];
    char *setting[] = {"optimizer.lr=0.0003"};
    for (uint64_t turns = 60; turns <= 240; turns += 60) {
        char *name = mem_format("run%d", (int)turns);
        struct harness_launch launch = launch_of(0);
        launch.plan = plan_stops_there, launch.stop = &harness_stop, launch.may_stop = true;
        point = points[0];
        harness_stop = 0;
        assert_false(campaign_run(f, name, c->settings, c->script, &launch));
        assert_int_equal(corrections(f, name), 0);
        harness_stop = 0;
        launch = launch_of(1);
        launch.killed_after = turns;
        campaign_resume(f, name, setting, 1, c->script, &launch);
        assert_int_equal(corrections(f, name), 1);
        launch = launch_of(2);
        campaign_resume(f, name, NULL, 0, c->script, &launch);
        assert_int_equal(corrections(f, name), 1);
        struct history history = ledger_history(f, name);
        assert_string_equal(history_entry(&history, 1)->reason,
                            "the operator changed optimizer.lr");
        ledger_check_sums(f, name);
        // one that waited is tried beside the changed recipe
        assert_true(history_entry(&history, 3)->forward.n_pairs > 0);
        history_clear(&history);
        free(name);
    }
}

/* A checkpoint behind a stretch is lost, and the run continued from before it with another setting.
 * What the stretch cost is spent all the same, also of the stake since the adoption before it. */
static void what_a_superseded_stretch_cost_is_spent(void **state)
{
    const struct campaign_fixture *f = *state;
    static const char *const settings[] = {TOO_LOW, "train.steps=400", NULL};
    static const struct scripted_proposal script[] = {
        {0,  "optimizer.lr=0.0008"     },
        {50, "optimizer.beta2=0.9"     },
        {70, "optimizer.eps=0.00000002"},
        {0,  NULL                      }
    };
    struct harness_launch launch = launch_of(0);
    launch.plan = plan_stops_there, launch.stop = &harness_stop, launch.may_stop = true;
    point = (struct point){NULL, 0, 75};
    assert_false(campaign_run(f, "run", settings, script, &launch));
    struct history before = ledger_history(f, "run");
    assert_int_equal(before.spent, 3 * 22 * 12 * 8);
    assert_int_equal(before.since, 22 * 12 * 8);
    struct err err;
    char *newest = checkpoint_folder(campaign_folder(f, "run"), 76);
    assert_int_equal(file_remove_tree(newest, ERR_TRAIN, &err), 0);
    launch = launch_of(1);
    campaign_resume(f, "run", (char *[]){"optimizer.lr=0.0007"}, 1, script, &launch);
    assert_int_equal(corrections(f, "run"), 2); // of what was superseded, and of the recipe
    struct history after = ledger_history(f, "run");
    assert_true(after.since > before.since);
    history_clear(&before);
    history_clear(&after);
    ledger_check_sums(f, "run");
    free(newest);
}

/* A stretch cost 22 of 160 steps; its hypothesis is not adopted. A person then makes steps twice as
 * large, or half as large, before another one is tried: train.steps counts steps, so the first
 * stretch still cost 22, and the second one its steps, and two
 * readings, which cost as many tokens as before. */
static void what_was_spent_is_as_many_steps_after_a_person_changed_the_batch(void **state)
{
    const struct campaign_fixture *f = *state;
    static const struct scripted_proposal script[] = {
        {0,  "optimizer.beta2=0.9"},
        {58, "optimizer.eps=1e-7" },
        {0,  NULL                 }
    };
    static const struct {
        const char *name;
        char *setting;
        uint64_t unit;
        double reading; /* steps that one costs */
    } changes[] = {
        {"larger",  "train.batch=24", 24 * 8, 0.5},
        {"smaller", "train.batch=6",  6 * 8,  2  },
    };
    for (size_t i = 0; i < 2; i++) {
        struct harness_launch launch = launch_of(0);
        launch.plan = plan_stop_at, launch.stop = &harness_stop;
        launch.expected = ERR_STOPPED;
        harness_stop = 0, harness_stop_step = 54;
        campaign_run(f, changes[i].name, (const char *const[]){"schedule.kind=constant", NULL},
                     script, &launch);
        struct history before = ledger_history(f, changes[i].name);
        assert_int_equal(before.spent, 22 * 12 * 8);
        history_clear(&before);
        harness_stop = 0;
        launch = launch_of(1);
        campaign_resume(f, changes[i].name, &changes[i].setting, 1, script, &launch);
        struct history after = ledger_history(f, changes[i].name);
        const struct entry *second = history_entry(&after, 2);
        assert_int_equal(second->forward.n_pairs, 1);
        const double own = second->forward.pairs[0]->step - after.stretch_start,
                     steps = 22 + own + 2 * ceil(own / 2) + 2 * changes[i].reading;
        assert_int_equal(after.unit, changes[i].unit);
        assert_int_equal(after.spent, (uint64_t)(steps * (double)changes[i].unit));
        struct lines lines = lines_read(f, changes[i].name);
        assert_int_equal(lines_count(&lines, "trunk"), (uint64_t)(160 - steps));
        lines_free(&lines);
        history_clear(&after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        campaign_test(short_launches_that_are_stopped_lose_no_step),
        campaign_test(a_suspended_fork_that_is_damaged_or_no_checkpoint_is_trained_again),
        campaign_test(what_an_operator_changed_is_told_once),
        campaign_test(what_a_superseded_stretch_cost_is_spent),
        campaign_test(what_was_spent_is_as_many_steps_after_a_person_changed_the_batch),
        campaign_test(
            a_campaign_that_was_stopped_anywhere_goes_on_elsewhere_with_the_same_ledger_and_bits),
        campaign_test(
            a_campaign_stopped_and_killed_again_and_again_comes_to_the_same_ledger_and_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
