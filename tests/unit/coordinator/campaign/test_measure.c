/* What is measured at the end of a stretch: tails, one slice of windows for all arms, losses. */
#include "tests/unit/coordinator/ledger/journal_fixture.h"
#include "tests/unit/coordinator/run/run_dir.h"

#include "base/mem.h"
#include "coordinator/campaign/measure.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/gate/gate_windows.h"
#include "coordinator/train/context.h"
#include "coordinator/train/evaluator.h"
#include "coordinator/train/liveness.h"
#include "coordinator/train/roster.h"
#include "coordinator/train/suspended.h"
#include "coordinator/train/trials.h"
#include "proto/config/run_config.h"
#include "proto/net/endpoint.h"
#include "proto/net/local_transport.h"
#include "proto/tensor/layout.h"

#include <math.h>

enum {
    A_WINDOWS = 2,
    B_WINDOWS = 6,
    WINDOWS = A_WINDOWS + B_WINDOWS,
    CONTEXT = 256,
    STEP = 64 * CONTEXT, /* tokens of the trunk's steps, which are larger than the run's were */
    FORKS = 3,
    LEASES_MAX = 64
};

static const double weights[] = {1, 3};

/* Losses of a token, window by window: first those of source a. */
static const double trunk_losses[WINDOWS] = {2.5, 3.25, 1.5, 1.75, 2.5, 3, 1.125, 4};
static const double fork_losses[WINDOWS] = {2, 3.5, 1.25, 1.875, 2, 3, 0.5, 3.75};

/* A lease to read windows. */
struct reading {
    uint32_t trial, source;
    uint64_t first, n, key;
};

/* A run of two sources at the end of a stretch from step 40 to 60. Its only other rank is the test
 * itself, which lets tails arrive and reads windows. */
struct fixture {
    struct run run;
    struct roster roster;
    struct eval_source sources[2];
    uint64_t gate[2];
    struct gate_windows text;
    struct endpoint *endpoints[2];
    struct liveness *liveness;
    struct evaluator *evaluator;
    struct layout layout;
    struct trials *trials;
    struct trial *trunk, *forks[FORKS];
    struct suspended *suspended;
    struct journal *journal;
    struct context context;
    struct measure *measure;
    struct pair *pairs;
    double losses[1 + FORKS][WINDOWS]; /* of the trunk and of each fork, as the test reads them */
    struct reading readings[LEASES_MAX];
    size_t n_readings;
};

static Trireme__Config *config_of(const char *setting)
{
    struct err err;
    char *const settings[] = {"data.sources=[{name: a, path: x}, {name: b, path: y}]",
                              "model.context=256", (char *)setting};
    Trireme__Config *config = run_config_read(NULL, settings, 3, &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

static Trireme__Segment **segments_of(const Trireme__Config *config)
{
    struct err err;
    Trireme__Segment **segments = mem_new(1, sizeof *segments);
    segments[0] = run_config_first_segment(config, &err);
    return segments;
}

static void begin_stretch(struct fixture *f, uint64_t start, uint32_t windows)
{
    char *yaml = mem_format("{kind: stretch, step: %llu, stretch: {horizon: 20, tail: 10, windows: "
                            "%u, arms: [{number: 1}]}}",
                            (unsigned long long)start, windows);
    must_record(f->journal, yaml);
    free(yaml);
}

static void fixture_init(struct fixture *f, const struct run_dir *dir, uint32_t windows)
{
    struct err err;
    *f = (struct fixture){
        .sources = {{.name = (char *)"a", .samples = 64}, {.name = (char *)"b", .samples = 64}},
        .gate = {256,                                    1000},
        .layout = {.n_blocks = 1}
    };
    f->run.config = config_of("train.batch=32");
    f->roster = (struct roster){.sources = f->sources, .n_sources = 2, .gate_samples = f->gate};
    f->text = (struct gate_windows){.weights = (double *)weights, .n_sources = 2, .there = f->gate};
    local_transport_open(f->endpoints, 2, 8);
    f->liveness = liveness_new(2, 0, 60, 0);
    f->evaluator = evaluator_new(f->endpoints[0], f->liveness, 0);
    f->trials = trials_new(f->endpoints[0], f->liveness, &f->layout, 0, NULL);
    Trireme__Config *config = config_of("train.batch=64");
    f->trunk = trials_first(f->trials, config, segments_of(config), 1,
                            (struct position){60, 60 * 64, 60 * STEP}, 32 * CONTEXT);
    f->suspended = suspended_open(NULL, NULL, NULL, fail_on_warning, NULL, &err);
    f->journal = open_at(dir->run, 0, NULL);
    must_record(f->journal, "{kind: proposal, number: 1, step: 5, proposal: {id: a}}");
    must_record(f->journal, "{kind: rule, step: 40, rule: {revision: 2}}");
    must_record(f->journal, "{kind: hypothesis, number: 1, step: 40, plan: {slow: true}}");
    begin_stretch(f, 40, windows);
    f->context = (struct context){.run = &f->run,
                                  .roster = &f->roster,
                                  .trials = f->trials,
                                  .evaluator = f->evaluator,
                                  .journal = f->journal,
                                  .suspended = f->suspended,
                                  .trunk = &f->trunk};
    f->measure = measure_new(&f->context, &f->text);
    memcpy(f->losses[0], trunk_losses, sizeof trunk_losses);
    for (int i = 0; i < FORKS; i++)
        memcpy(f->losses[1 + i], fork_losses, sizeof fork_losses);
}

static void fixture_clear(struct fixture *f)
{
    for (struct pair *p = f->pairs, *next; p; p = next) {
        next = p->next;
        pair_free(p);
    }
    measure_free(f->measure);
    journal_free(f->journal);
    suspended_free(f->suspended);
    trials_free(f->trials);
    for (int i = 0; i < FORKS; i++)
        trial_free(f->forks[i]);
    evaluator_free(f->evaluator);
    liveness_free(f->liveness);
    message_free(f->run.config);
    endpoint_free(f->endpoints[0]);
    endpoint_free(f->endpoints[1]);
}

/* Adds a fork that has trained as many tokens as the trunk since step 40. */
static struct pair *add_fork(struct fixture *f, const char *setting)
{
    struct pair **at = &f->pairs;
    uint32_t i = 0;
    for (; *at; at = &(*at)->next)
        i++;
    Trireme__Config *config = config_of(setting);
    struct trial *fork = trial_new(100 + i, "fork", config, segments_of(config), 1,
                                   (struct position){40, 40 * 64, 40 * STEP}, 32 * CONTEXT, 1, 0);
    fork->step = 40 + 20 * STEP / run_config_step_tokens(config);
    trial_run_until(fork, fork->step);
    f->forks[i] = fork;
    *at = mem_new(1, sizeof **at);
    **at = (struct pair){
        .number = i + 1, .index = 2, .start = 40, .fork = fork, .fork_end = fork->step};
    return *at;
}

/* The servers have a tail, and it arrives. */
static void let_arrive(const struct trial *tail)
{
    struct trial *t = (struct trial *)tail;
    if (!t || t->state != TRIAL_FORKING)
        return;
    trial_forked(t, 0, NULL, false);
    t->step = t->until;
}

/* The losses of the arm that a tail is of. */
static const double *losses_of(const struct fixture *f, uint32_t trial)
{
    size_t i = 1;
    if (measure_trunk_tail(f->measure) && measure_trunk_tail(f->measure)->number == trial)
        return f->losses[0];
    for (const struct pair *p = f->pairs; p; p = p->next, i++)
        if (p->arm.tail && p->arm.tail->number == trial)
            return f->losses[i];
    fail_msg("trial %u is read, which is no tail", trial);
    return NULL;
}

/* Reads the windows of a lease, whose first source has n_a. */
static void read_windows(struct fixture *f, const Trireme__Lease *lease, uint64_t n_a)
{
    struct err err;
    const double *token = losses_of(f, lease->trial) + (lease->eval_source ? n_a : 0);
    double sums[WINDOWS];
    for (uint64_t i = 0; i < lease->eval_samples; i++)
        sums[i] = token[i] * CONTEXT;
    assert_int_equal(lease->part, TRIREME__PART__gate);
    assert_true(f->n_readings < LEASES_MAX);
    f->readings[f->n_readings++] = (struct reading){
        lease->trial, lease->eval_source, lease->eval_first, lease->eval_samples, lease->eval_key};
    Trireme__Losses losses = TRIREME__LOSSES__INIT;
    losses.trial = lease->trial, losses.step = lease->step;
    losses.eval_source = lease->eval_source, losses.eval_first = lease->eval_first;
    losses.sums = sums, losses.n_sums = lease->eval_samples;
    if (evaluator_losses(f->evaluator, 1, &losses, &err) < 0)
        fail_msg("%s", err.text);
}

static void serve(struct fixture *f)
{
    struct parcel parcel;
    uint64_t n_a = 0;
    while (endpoint_poll(f->endpoints[1], &parcel)) {
        if (parcel.tag != TAG_LEASE)
            continue; // a fork
        Trireme__Lease *lease = trireme__lease__unpack(NULL, parcel.size, parcel.bytes);
        n_a = lease->eval_source == 0 ? lease->eval_samples : n_a;
        read_windows(f, lease, n_a);
        trireme__lease__free_unpacked(lease, NULL);
    }
}

/* Lets tails arrive and windows be read until all arms are measured. */
static void measure_all(struct fixture *f)
{
    struct err err;
    if (!measure_has_begun(f->measure))
        measure_begin(f->measure, f->pairs);
    for (int turn = 0; turn < 100; turn++) {
        const int rc = measure_turn(f->measure, f->pairs, &err);
        if (rc < 0)
            fail_msg("%s", err.text);
        if (rc > 0)
            return;
        let_arrive(measure_trunk_tail(f->measure));
        for (struct pair *p = f->pairs; p; p = p->next)
            let_arrive(p->arm.tail);
        serve(f);
    }
    fail_msg("not all arms were measured after 100 turns");
}

static Trireme__Observation observation_of(const struct fixture *f, const struct pair *pair)
{
    Trireme__Observation observation;
    measure_observe(f->measure, pair, &observation);
    return observation;
}

static Trireme__Decision decision_of(const struct fixture *f)
{
    Trireme__Decision decision;
    measure_decide(f->measure, &decision);
    return decision;
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
    struct fixture f;
    fixture_init(&f, *state, WINDOWS);
    const struct pair *pair = add_fork(&f, "train.batch=64");
    measure_all(&f);
    const Trireme__Observation o = observation_of(&f, pair);
    assert_true(o.has_trunk_loss && o.has_fork_loss);
    assert_near("trunk_loss", o.trunk_loss,
                mean(trunk_losses, A_WINDOWS) / 4 +
                    mean(trunk_losses + A_WINDOWS, B_WINDOWS) * 3 / 4);
    assert_near("fork_loss", o.fork_loss,
                mean(fork_losses, A_WINDOWS) / 4 +
                    mean(fork_losses + A_WINDOWS, B_WINDOWS) * 3 / 4);
    assert_false(o.diverged || o.trunk_diverged || decision_of(&f).trunk_diverged);
    assert_int_equal(o.n_first_windows, 2);
    assert_true(o.first_window == 0 && o.first_windows[0] == 0 && o.first_windows[1] == 0);
    assert_int_equal(o.windows, WINDOWS);
    assert_int_equal(o.pair, 2);
    assert_int_equal(o.step, 60);
    fixture_clear(&f);
}

static void
the_variance_is_that_of_the_windows_differences_by_the_squares_of_the_shares(void **state)
{
    struct fixture f;
    double differences[WINDOWS];
    for (size_t i = 0; i < WINDOWS; i++)
        differences[i] = trunk_losses[i] - fork_losses[i];
    fixture_init(&f, *state, WINDOWS);
    const struct pair *pair = add_fork(&f, "train.batch=64");
    measure_all(&f);
    const Trireme__Observation o = observation_of(&f, pair);
    assert_true(o.has_window_variance);
    assert_near("window_variance", o.window_variance,
                mean_variance(differences, A_WINDOWS) / 16 +
                    mean_variance(differences + A_WINDOWS, B_WINDOWS) * 9 / 16);
    fixture_clear(&f);
}

static void a_single_window_of_a_source_has_no_spread(void **state)
{
    struct fixture f;
    double differences[WINDOWS];
    for (size_t i = 0; i < WINDOWS; i++)
        differences[i] = trunk_losses[i] - fork_losses[i];
    fixture_init(&f, *state, 4); // 1 and 3
    const struct pair *pair = add_fork(&f, "train.batch=64");
    measure_all(&f);
    assert_near("window_variance", observation_of(&f, pair).window_variance,
                mean_variance(differences + 1, 3) * 9 / 16);
    fixture_clear(&f);
}

static void all_arms_read_one_slice_after_their_tails_and_the_trunk_is_read_once(void **state)
{
    struct fixture f;
    fixture_init(&f, *state, WINDOWS);
    for (int i = 0; i < FORKS; i++)
        add_fork(&f, "train.batch=64");
    measure_all(&f);
    assert_int_equal(f.n_readings, 2 * (1 + FORKS));
    for (size_t i = 0; i < f.n_readings; i++) {
        const struct reading *r = &f.readings[i];
        assert_int_equal(r->source, i % 2);
        assert_int_equal(r->first, 0);
        assert_int_equal(r->n, i % 2 ? B_WINDOWS : A_WINDOWS);
        assert_true(r->key != 0 && r->key == f.readings[0].key);
        for (size_t k = 0; k < i; k++)
            assert_true(f.readings[k].trial != r->trial || f.readings[k].source != r->source);
    }
    const Trireme__Decision d = decision_of(&f);
    assert_int_equal(d.n_windows_taken, 2);
    assert_true(d.windows_taken[0] == A_WINDOWS && d.windows_taken[1] == B_WINDOWS);
    for (const struct pair *p = f.pairs; p; p = p->next)
        assert_near("trunk_loss", observation_of(&f, p).trunk_loss,
                    observation_of(&f, f.pairs).trunk_loss);
    fixture_clear(&f);
}

static void the_next_stretch_reads_behind_the_windows_of_the_one_before(void **state)
{
    struct fixture f;
    fixture_init(&f, *state, WINDOWS);
    struct pair *pair = add_fork(&f, "train.batch=64");
    measure_all(&f);
    must_record(f.journal, "{kind: decision, step: 60, decision: {windows_taken: [2, 6]}}");
    measure_leave(f.measure, pair);
    measure_end(f.measure);
    assert_false(measure_has_begun(f.measure));
    assert_null(measure_trunk_tail(f.measure));
    begin_stretch(&f, 60, WINDOWS);
    f.trunk->step = 80;
    trial_run_until(f.trunk, 80);
    free(pair->arm.sums);
    measure_all(&f);
    const Trireme__Observation o = observation_of(&f, pair);
    assert_int_equal(o.step, 80);
    assert_true(o.first_windows[0] == 2 && o.first_windows[1] == 6);
    assert_int_equal(o.first_window, 2);
    const Trireme__Decision d = decision_of(&f);
    assert_true(d.windows_taken[0] == 4 && d.windows_taken[1] == 12);
    fixture_clear(&f);
}

static void a_tails_rate_begins_with_its_arms_and_it_has_as_many_tokens_as_the_trunks(void **state)
{
    struct fixture f;
    fixture_init(&f, *state, WINDOWS);
    const struct pair *same = add_fork(&f, "train.batch=64"),
                      *smaller = add_fork(&f, "train.batch=32");
    trial_plan(f.trunk, 400 * STEP);
    measure_all(&f);
    assert_int_equal(measure_trunk_tail(f.measure)->planned, 400 * STEP); // as its parent
    const struct trial *trunk = measure_trunk_tail(f.measure);
    assert_true(trunk->tail.from == 60 && trunk->tail.steps == 10);
    assert_true(trunk->tail.lr == trial_lr(f.trunk, 60));
    assert_true(same->arm.tail->tail.from == 60 && same->arm.tail->tail.steps == 10);
    assert_true(smaller->arm.tail->tail.from == 80 && smaller->arm.tail->tail.steps == 20);
    assert_true(smaller->arm.tail->tail.lr == trial_lr(smaller->fork, 80));
    fixture_clear(&f);
}

/* The trunk's tail and reading are counted once a stretch, beside its arms. */
static void an_arm_costs_its_fork_its_tail_and_a_third_of_what_it_read(void **state)
{
    struct fixture f;
    fixture_init(&f, *state, WINDOWS);
    add_fork(&f, "train.batch=64");
    add_fork(&f, "train.batch=32")->early_stop.taken = 3; // looks at dev cost nothing
    measure_all(&f);
    for (const struct pair *p = f.pairs; p; p = p->next)
        assert_int_equal(observation_of(&f, p).tokens,
                         20 * STEP + 10 * STEP + WINDOWS * CONTEXT / 3);
    assert_int_equal(decision_of(&f).tokens, 10 * STEP + WINDOWS * CONTEXT / 3);
    fixture_clear(&f);
}

static void a_fork_that_diverged_is_not_read_and_the_others_are(void **state)
{
    struct fixture f;
    fixture_init(&f, *state, WINDOWS);
    const struct pair *bad = add_fork(&f, "train.batch=64"), *good = add_fork(&f, "train.batch=64");
    bad->fork->step = 52;
    trial_diverge(bad->fork);
    measure_all(&f);
    const Trireme__Observation o = observation_of(&f, bad);
    assert_true(o.diverged && !o.trunk_diverged);
    assert_false(o.has_trunk_loss || o.has_fork_loss || o.has_window_variance);
    assert_int_equal(o.tokens, 12 * STEP); // what it did
    assert_null(bad->arm.tail);
    assert_true(observation_of(&f, good).has_fork_loss);
    assert_int_equal(f.n_readings, 2 * 2);
    assert_false(decision_of(&f).trunk_diverged);
    fixture_clear(&f);
}

static void where_all_forks_diverged_no_window_is_read_and_the_trunk_did_not_diverge(void **state)
{
    struct fixture f;
    fixture_init(&f, *state, WINDOWS);
    for (int i = 0; i < 2; i++)
        trial_diverge(add_fork(&f, "train.batch=64")->fork);
    measure_all(&f);
    assert_int_equal(f.n_readings, 0);
    for (const struct pair *p = f.pairs; p; p = p->next) {
        const Trireme__Observation o = observation_of(&f, p);
        assert_true(o.diverged && !o.trunk_diverged);
        assert_int_equal(o.tokens, 20 * STEP);
    }
    const Trireme__Decision d = decision_of(&f);
    assert_int_equal(d.n_windows_taken, 0);
    assert_false(d.trunk_diverged);
    assert_int_equal(d.tokens, 10 * STEP); // its tail, and nothing read
    fixture_clear(&f);
}

static void an_arm_without_a_finite_loss_is_told_as_diverged_and_nothing_was_measured(void **state)
{
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
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct run_dir *dir = *state;
        struct run_dir other = {.root = dir->root, .run = mem_format("%s%zu", dir->run, i)};
        struct fixture f;
        fixture_init(&f, &other, WINDOWS);
        const struct pair *pair = add_fork(&f, "train.batch=64");
        f.losses[0][WINDOWS - 1] = cases[i].trunk;
        f.losses[1][0] = cases[i].fork;
        measure_all(&f);
        const Trireme__Observation o = observation_of(&f, pair);
        assert_int_equal(o.diverged, cases[i].diverged);
        assert_int_equal(o.trunk_diverged, cases[i].trunk_diverged);
        assert_int_equal(decision_of(&f).trunk_diverged, cases[i].trunk_diverged);
        assert_false(o.has_trunk_loss || o.has_fork_loss || o.has_window_variance);
        assert_true(o.trunk_loss == 0 && o.fork_loss == 0);
        fixture_clear(&f);
        free(other.run);
    }
}

static void where_the_trunks_tail_diverged_forks_are_read_and_no_pair_counts(void **state)
{
    struct fixture f;
    struct err err;
    fixture_init(&f, *state, WINDOWS);
    const struct pair *pair = add_fork(&f, "train.batch=64");
    measure_begin(f.measure, f.pairs);
    assert_int_equal(measure_turn(f.measure, f.pairs, &err), 0);
    struct trial *tail = (struct trial *)measure_trunk_tail(f.measure);
    trial_forked(tail, 0, NULL, false);
    tail->step = 63;
    trial_diverge(tail);
    measure_all(&f);
    assert_int_equal(f.n_readings, 2); // the fork may become the trunk if it is the old recipe
    const Trireme__Observation o = observation_of(&f, pair);
    assert_true(o.trunk_diverged && !o.diverged);
    assert_false(o.has_trunk_loss || o.has_fork_loss || o.has_window_variance);
    assert_true(decision_of(&f).trunk_diverged);
    assert_int_equal(decision_of(&f).tokens, 3 * STEP);
    fixture_clear(&f);
}

static void a_fork_whose_tail_is_refused_is_given_up_and_the_others_are_read(void **state)
{
    struct fixture f;
    struct err err;
    fixture_init(&f, *state, WINDOWS);
    const struct pair *refused = add_fork(&f, "train.batch=64"),
                      *other = add_fork(&f, "train.batch=64");
    measure_begin(f.measure, f.pairs);
    assert_int_equal(measure_turn(f.measure, f.pairs, &err), 0);
    trial_forked(refused->arm.tail, 0, "no memory", false);
    measure_all(&f);
    assert_string_equal(refused->gave_up, "no memory");
    assert_int_equal(refused->cause, TRIREME__CAUSE__memory);
    assert_null(other->gave_up);
    assert_true(observation_of(&f, other).has_fork_loss);
    assert_int_equal(f.n_readings, 2 * 2);
    fixture_clear(&f);
}

static void where_the_trunks_tail_is_refused_all_are_given_up_and_nothing_is_read(void **state)
{
    struct fixture f;
    struct err err;
    fixture_init(&f, *state, WINDOWS);
    for (int i = 0; i < 2; i++)
        add_fork(&f, "train.batch=64");
    measure_begin(f.measure, f.pairs);
    assert_int_equal(measure_turn(f.measure, f.pairs, &err), 0);
    trial_forked((struct trial *)measure_trunk_tail(f.measure), 0, "no memory", false);
    measure_all(&f);
    for (const struct pair *p = f.pairs; p; p = p->next)
        assert_string_equal(p->gave_up, "no memory");
    assert_int_equal(f.n_readings, 0);
    assert_int_equal(decision_of(&f).n_windows_taken, 0);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_run_dir(
            a_loss_is_the_mean_of_the_sources_by_their_weights_whatever_windows_they_have),
        test_in_run_dir(
            the_variance_is_that_of_the_windows_differences_by_the_squares_of_the_shares),
        test_in_run_dir(a_single_window_of_a_source_has_no_spread),
        test_in_run_dir(all_arms_read_one_slice_after_their_tails_and_the_trunk_is_read_once),
        test_in_run_dir(the_next_stretch_reads_behind_the_windows_of_the_one_before),
        test_in_run_dir(a_tails_rate_begins_with_its_arms_and_it_has_as_many_tokens_as_the_trunks),
        test_in_run_dir(an_arm_costs_its_fork_its_tail_and_a_third_of_what_it_read),
        test_in_run_dir(a_fork_that_diverged_is_not_read_and_the_others_are),
        test_in_run_dir(where_all_forks_diverged_no_window_is_read_and_the_trunk_did_not_diverge),
        test_in_run_dir(an_arm_without_a_finite_loss_is_told_as_diverged_and_nothing_was_measured),
        test_in_run_dir(where_the_trunks_tail_diverged_forks_are_read_and_no_pair_counts),
        test_in_run_dir(a_fork_whose_tail_is_refused_is_given_up_and_the_others_are_read),
        test_in_run_dir(where_the_trunks_tail_is_refused_all_are_given_up_and_nothing_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
