/* What is measured of a pair whose windows have been evaluated. */
#include "tests/unit/support.h"

#include "base/mem.h"
#include "coordinator/campaign/early_stop.h"
#include "coordinator/campaign/measure.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/gate/gate_windows.h"
#include "coordinator/run/run.h"
#include "coordinator/train/context.h"
#include "coordinator/train/evaluation.h"
#include "coordinator/train/roster.h"
#include "coordinator/train/trial.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include <math.h>

enum {
    A_WINDOWS = 3,
    B_WINDOWS = 5,
    WINDOWS = A_WINDOWS + B_WINDOWS,
    CONTEXT = 256,
    TRUNK_BATCH = 64
};

static const double weights[] = {1, 3};
static const uint64_t first[] = {40, 120};

/* Losses of a token, window by window: first those of source a. */
static const double trunk_losses[WINDOWS] = {2.5, 3.25, 4, 1.5, 1.75, 2.5, 3, 1.125};
static const double fork_losses[WINDOWS] = {2, 3.5, 3.75, 1.25, 1.875, 2, 3, 0.5};

/* A run of two sources, whose trunk has larger steps than the run's configuration says. */
struct fixture {
    struct run run;
    struct roster roster;
    struct eval_source sources[2];
    struct gate_windows text;
    struct trial *trunk;
    struct context context;
    struct measure *measure;
    Trireme__Plan plan;
};

static void fixture_init(struct fixture *f)
{
    struct err err;
    char *const settings[] = {"data.sources=[{name: a, path: x}, {name: b, path: y}]",
                              "model.context=256", "train.batch=32"};
    char *patch[] = {"train.batch=64"};
    *f = (struct fixture){
        .sources = {{.name = "a", .samples = 64}, {.name = "b", .samples = 64}}
    };
    f->run.config = run_config_read(NULL, settings, 3, &err);
    Trireme__Config *config =
        f->run.config ? run_config_change(f->run.config, patch, 1, &err) : NULL;
    if (!config)
        fail_msg("%s", err.text);
    f->roster = (struct roster){.sources = f->sources, .n_sources = 2};
    f->text = (struct gate_windows){.weights = (double *)weights, .n_sources = 2};
    f->trunk = trial_new(0, "trunk", config, NULL, 0, (struct position){0}, 32 * CONTEXT, 1, 0);
    f->context = (struct context){.run = &f->run, .roster = &f->roster, .trunk = &f->trunk};
    f->measure = measure_new(&f->context, &f->text);
    trireme__plan__init(&f->plan);
    f->plan.windows = WINDOWS;
}

static void fixture_clear(struct fixture *f)
{
    measure_free(f->measure);
    trial_free(f->trunk);
    message_free(f->run.config);
}

static double *sums_of(const double *losses)
{
    double *sums = mem_new(WINDOWS, sizeof *sums);
    for (size_t i = 0; i < WINDOWS; i++)
        sums[i] = losses[i] * CONTEXT;
    return sums;
}

/* A pair from step 40 to 60, both of whose trials have been evaluated; the caller's. */
static struct pair *pair_of(const struct fixture *f)
{
    struct pair *pair = mem_new(1, sizeof *pair);
    *pair = (struct pair){.index = 2, .plan = &f->plan, .start = 40, .end = 60, .measuring = true};
    pair->counts = mem_new(2, sizeof *pair->counts);
    pair->counts[0] = A_WINDOWS, pair->counts[1] = B_WINDOWS;
    pair->first = mem_new(2, sizeof *pair->first);
    memcpy(pair->first, first, sizeof first);
    pair->arms[ARM_TRUNK] = (struct arm){.done = true, .sums = sums_of(trunk_losses)};
    pair->arms[ARM_FORK] = (struct arm){.done = true, .sums = sums_of(fork_losses)};
    return pair;
}

static double mean(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

/* Variance of the mean of n. */
static double mean_variance(const double *x, size_t n)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - mean(x, n)) * (x[i] - mean(x, n));
    return squares / (double)(n - 1) / (double)n;
}

static void assert_near(const char *what, double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-12 * fabs(expected)))
        fail_msg("%s: found %.17g, expected %.17g", what, found, expected);
}

static void
a_loss_is_the_mean_of_the_sources_by_their_weights_whatever_windows_they_have(void **state)
{
    (void)state;
    struct fixture f;
    Trireme__Observation observation;
    fixture_init(&f);
    struct pair *pair = pair_of(&f);
    measure_observe(f.measure, pair, pair, &observation);
    assert_true(observation.has_trunk_loss && observation.has_fork_loss);
    assert_near("trunk_loss", observation.trunk_loss,
                mean(trunk_losses, A_WINDOWS) / 4 +
                    mean(trunk_losses + A_WINDOWS, B_WINDOWS) * 3 / 4);
    assert_near("fork_loss", observation.fork_loss,
                mean(fork_losses, A_WINDOWS) / 4 +
                    mean(fork_losses + A_WINDOWS, B_WINDOWS) * 3 / 4);
    assert_false(observation.diverged);
    assert_false(observation.trunk_diverged);
    assert_int_equal(observation.n_first_windows, 2);
    assert_memory_equal(observation.first_windows, first, sizeof first);
    assert_int_equal(observation.pair, 2);
    assert_int_equal(observation.step, 60);
    assert_int_equal(observation.first_window, 40);
    pair_free(pair);
    fixture_clear(&f);
}

static void
the_variance_is_that_of_the_windows_differences_by_the_squares_of_the_shares(void **state)
{
    (void)state;
    struct fixture f;
    Trireme__Observation observation;
    double differences[WINDOWS];
    for (size_t i = 0; i < WINDOWS; i++)
        differences[i] = trunk_losses[i] - fork_losses[i];
    fixture_init(&f);
    struct pair *pair = pair_of(&f);
    measure_observe(f.measure, pair, pair, &observation);
    assert_true(observation.has_window_variance);
    assert_near("window_variance", observation.window_variance,
                mean_variance(differences, A_WINDOWS) / 16 +
                    mean_variance(differences + A_WINDOWS, B_WINDOWS) * 9 / 16);
    pair->counts[0] = 1; // a single window has no spread
    measure_observe(f.measure, pair, pair, &observation);
    assert_near("window_variance", observation.window_variance,
                mean_variance(differences + 1, B_WINDOWS) * 9 / 16);
    pair_free(pair);
    fixture_clear(&f);
}

static void
tokens_are_those_of_the_fork_of_both_tails_and_a_third_of_what_was_evaluated(void **state)
{
    (void)state;
    static const struct {
        uint64_t tail;
        uint32_t looks;
        uint64_t steps, windows; /* of the trunk; of all evaluations */
    } cases[] = {
        {0,  0, 20,           2 * WINDOWS                             },
        {10, 0, 20 + 10 + 10, 2 * WINDOWS                             },
        {0,  3, 20,           2 * WINDOWS + 3 * 2 * EARLY_STOP_WINDOWS},
        {10, 2, 20 + 10 + 10, 2 * WINDOWS + 2 * 2 * EARLY_STOP_WINDOWS},
    };
    struct fixture f;
    fixture_init(&f);
    struct pair *pair = pair_of(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trireme__Observation observation;
        f.plan.tail = cases[i].tail;
        pair->early_stop.taken = cases[i].looks;
        measure_observe(f.measure, pair, pair, &observation);
        assert_int_equal(observation.tokens,
                         cases[i].steps * TRUNK_BATCH * CONTEXT + cases[i].windows * CONTEXT / 3);
    }
    pair_free(pair);
    fixture_clear(&f);
}

static void a_source_without_weight_is_not_looked_at_and_costs_nothing(void **state)
{
    (void)state;
    static const double one[] = {0, 3};
    struct fixture f;
    Trireme__Observation observation;
    fixture_init(&f);
    f.text.weights = (double *)one;
    struct pair *pair = pair_of(&f);
    pair->early_stop.taken = 3;
    measure_observe(f.measure, pair, pair, &observation);
    assert_int_equal(observation.tokens, 20 * TRUNK_BATCH * CONTEXT +
                                             (2 * WINDOWS + 3 * EARLY_STOP_WINDOWS) * CONTEXT / 3);
    pair_free(pair);
    fixture_clear(&f);
}

static void pairs_that_use_the_same_tail_of_the_trunk_share_its_tokens(void **state)
{
    (void)state;
    static const struct {
        bool measuring;
        uint64_t end, tail, shared_by;
    } cases[] = {
        {true,  60, 10, 2},
        {false, 60, 10, 1},
        {true,  80, 10, 1},
        {true,  60, 20, 1},
    };
    struct fixture f;
    fixture_init(&f);
    f.plan.tail = 10;
    struct pair *pair = pair_of(&f), *other = pair_of(&f);
    pair->next = other;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trireme__Observation observation;
        Trireme__Plan plan = f.plan;
        plan.tail = cases[i].tail;
        other->plan = &plan, other->end = cases[i].end, other->measuring = cases[i].measuring;
        measure_observe(f.measure, pair, pair, &observation);
        uint64_t steps = 20 + 10 + 10 / cases[i].shared_by;
        assert_int_equal(observation.tokens,
                         steps * TRUNK_BATCH * CONTEXT + 2 * WINDOWS * CONTEXT / 3);
    }
    pair_free(other);
    pair_free(pair);
    fixture_clear(&f);
}

static void an_arm_without_a_finite_loss_is_told_as_diverged_and_nothing_was_measured(void **state)
{
    (void)state;
    static const struct {
        double trunk, fork; /* that one of its windows has */
        bool trunk_diverged, diverged;
    } cases[] = {
        {1,         NAN,      false, true },
        {1,         INFINITY, false, true },
        {NAN,       1,        true,  false},
        {-INFINITY, 1,        true,  false},
        {NAN,       NAN,      true,  true },
    };
    struct fixture f;
    fixture_init(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Trireme__Observation observation;
        struct pair *pair = pair_of(&f);
        pair->arms[ARM_TRUNK].sums[WINDOWS - 1] = cases[i].trunk;
        pair->arms[ARM_FORK].sums[0] = cases[i].fork;
        measure_observe(f.measure, pair, pair, &observation);
        assert_int_equal(observation.diverged, cases[i].diverged);
        assert_int_equal(observation.trunk_diverged, cases[i].trunk_diverged);
        assert_false(observation.has_trunk_loss || observation.has_fork_loss ||
                     observation.has_window_variance);
        assert_true(observation.trunk_loss == 0 && observation.fork_loss == 0);
        pair_free(pair);
    }
    fixture_clear(&f);
}

static void an_arm_that_ended_before_it_was_read_is_told_as_diverged(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    for (int which = ARM_TRUNK; which <= ARM_FORK; which++) {
        Trireme__Observation observation;
        struct pair *pair = pair_of(&f);
        free(pair->arms[which].sums);
        pair->arms[which] = (struct arm){.done = true, .diverged = true};
        measure_observe(f.measure, pair, pair, &observation);
        assert_int_equal(observation.trunk_diverged, which == ARM_TRUNK);
        assert_int_equal(observation.diverged, which == ARM_FORK);
        assert_false(observation.has_trunk_loss || observation.has_fork_loss ||
                     observation.has_window_variance);
        assert_int_equal(observation.first_window, 40);
        pair_free(pair);
    }
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_loss_is_the_mean_of_the_sources_by_their_weights_whatever_windows_they_have),
        cmocka_unit_test(
            the_variance_is_that_of_the_windows_differences_by_the_squares_of_the_shares),
        cmocka_unit_test(
            tokens_are_those_of_the_fork_of_both_tails_and_a_third_of_what_was_evaluated),
        cmocka_unit_test(a_source_without_weight_is_not_looked_at_and_costs_nothing),
        cmocka_unit_test(pairs_that_use_the_same_tail_of_the_trunk_share_its_tokens),
        cmocka_unit_test(an_arm_without_a_finite_loss_is_told_as_diverged_and_nothing_was_measured),
        cmocka_unit_test(an_arm_that_ended_before_it_was_read_is_told_as_diverged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
