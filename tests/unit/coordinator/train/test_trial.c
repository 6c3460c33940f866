/* The position of a trial, its rate, its steps, and its states. */
#include "tests/unit/support.h"

#include "coordinator/train/step_result.h"
#include "coordinator/train/trial.h"
#include "math/schedule.h"
#include "proto/config/run_config.h"

#include <math.h>

enum { LEAVES = 6, BLOCKS = 3, SERVERS = 2 };

/* Context 8 and steps of 12 samples, but for the settings; it began at `base`. */
static struct trial *trial_made_by(int n_forking, struct position base, char *const *settings,
                                   size_t n)
{
    struct err err;
    char *all[16] = {"data.sources=[{name: a, path: x}]",
                     "model.context=8",
                     "train.batch=12",
                     "train.microbatch=2",
                     "train.steps=100",
                     "schedule.warmup=10",
                     "schedule.min_lr=0.001",
                     "optimizer.lr=0.01"};
    for (size_t i = 0; i < n; i++)
        all[8 + i] = settings[i];
    Trireme__Config *config = run_config_read(NULL, all, 8 + n, &err);
    if (!config)
        fail_msg("%s", err.text);
    return trial_new(1, "h1.0", config, NULL, 0, base, 12 * 8, BLOCKS, n_forking);
}

static struct trial *trial_of(struct position base, char *const *settings, size_t n)
{
    return trial_made_by(0, base, settings, n);
}

static const struct position start = {.step = 40, .samples = 480, .tokens = 3840};

static void check_position(struct position found, uint64_t step, uint64_t samples, uint64_t tokens)
{
    assert_int_equal(found.step, step);
    assert_int_equal(found.samples, samples);
    assert_int_equal(found.tokens, tokens);
}

static void a_position_counts_steps_samples_and_tokens_from_where_the_trial_began(void **state)
{
    (void)state;
    static const struct {
        char *settings[2];
        uint64_t samples, tokens; /* of ten steps */
    } cases[] = {
        {{"train.batch=12", "train.context=0"}, 120, 960 },
        {{"train.batch=24", "train.context=0"}, 240, 1920},
        {{"train.batch=6", "train.context=0"},  60,  480 },
        {{"train.batch=12", "train.context=4"}, 120, 480 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial *t = trial_of(start, cases[i].settings, 2);
        check_position(trial_position(t), 40, 480, 3840);
        check_position(trial_at(t, 50), 50, 480 + cases[i].samples, 3840 + cases[i].tokens);
        t->step = 50;
        check_position(trial_position(t), 50, 480 + cases[i].samples, 3840 + cases[i].tokens);
        assert_int_equal(run_config_step_tokens(t->config), cases[i].tokens / 10);
        trial_free(t);
    }
}

static void a_run_ends_when_its_tokens_are_used_up(void **state)
{
    (void)state;
    static const struct {
        char *setting;
        uint64_t last;
    } cases[] = {
        {"train.batch=12",  100     },
        {"train.batch=24",  40 + 30 },
        {"train.batch=6",   40 + 120},
        {"train.context=4", 40 + 120},
        {"train.batch=100", 40 + 7  }, // 7.2
        {"train.steps=60",  60      },
        {"train.steps=30",  40      }, // it is over already
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial *t = trial_of(start, &cases[i].setting, 1);
        if (trial_last_step(t) != cases[i].last)
            fail_msg("%s: found %llu, expected %llu", cases[i].setting,
                     (unsigned long long)trial_last_step(t), (unsigned long long)cases[i].last);
        trial_free(t);
    }
}

/* A trial's step counts as so many steps of the run's schedule, so that the rate as a function of
 * the tokens stays the same. */
static void the_rate_follows_from_tokens_and_is_continuous_over_a_change_of_batch(void **state)
{
    (void)state;
    static const struct {
        char *setting;
        double step; /* steps of the run's schedule that one step of the trial is */
    } cases[] = {
        {"train.batch=12",  1  },
        {"train.batch=24",  2  },
        {"train.batch=6",   0.5},
        {"train.context=4", 0.5},
    };
    const struct schedule schedule = {
        .kind = SCHEDULE_COSINE, .lr = 0.01, .min_lr = 0.001, .warmup = 10, .steps = 100};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial *t = trial_of(start, &cases[i].setting, 1);
        for (uint64_t step = 40; step < 60; step++)
            assert_true(trial_lr(t, step) ==
                        schedule_lr(&schedule, 40 + (double)(step - 40) * cases[i].step));
        trial_free(t);
    }
}

/* What experiments spend shortens the run. */
static void a_run_ends_when_the_tokens_that_it_is_planned_to_have_are_used_up(void **state)
{
    (void)state;
    static const struct {
        char *setting;
        uint64_t planned, last; /* tokens; 0: train.steps says */
    } cases[] = {
        {"train.batch=12", 0,           100     },
        {"train.batch=12", 90 * 96,     90      },
        {"train.batch=12", 90 * 96 + 1, 90      },
        {"train.batch=12", 90 * 96 - 1, 89      },
        {"train.batch=24", 90 * 96,     40 + 25 },
        {"train.batch=6",  90 * 96,     40 + 100},
        {"train.batch=12", 120 * 96,    120     },
        {"train.batch=12", 40 * 96,     40      },
        {"train.batch=12", 39 * 96,     40      }, // it is over already
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial *t = trial_of(start, &cases[i].setting, 1);
        assert_int_equal(trial_all_tokens(t), 100 * 96);
        if (cases[i].planned)
            trial_plan(t, cases[i].planned);
        if (trial_last_step(t) != cases[i].last)
            fail_msg("%s, %llu tokens: found %llu, expected %llu", cases[i].setting,
                     (unsigned long long)cases[i].planned, (unsigned long long)trial_last_step(t),
                     (unsigned long long)cases[i].last);
        assert_int_equal(trial_all_tokens(t), cases[i].planned ? cases[i].planned : 100 * 96);
        trial_free(t);
    }
}

static void
the_rate_reads_the_planned_tokens_exactly_also_where_they_are_no_whole_steps(void **state)
{
    (void)state;
    static char *settings[] = {"train.batch=12", "train.batch=24", "schedule.kind=linear"};
    static const uint64_t planned[] = {0, 90 * 96, 90 * 96 + 31, 120 * 96 + 95, 60 * 96};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        for (size_t k = 0; k < sizeof planned / sizeof *planned; k++) {
            struct trial *t = trial_of(start, &settings[i], 1);
            const uint64_t tokens = planned[k] ? planned[k] : 100 * 96;
            const struct schedule schedule = {.kind = i == 2 ? SCHEDULE_LINEAR : SCHEDULE_COSINE,
                                              .lr = 0.01,
                                              .min_lr = 0.001,
                                              .warmup = 10,
                                              .steps = (double)tokens / 96};
            if (planned[k])
                trial_plan(t, planned[k]);
            for (uint64_t step = 40; step < 60; step++)
                assert_true(trial_lr(t, step) ==
                            schedule_lr(&schedule, 40 + (double)(step - 40) * (i == 1 ? 2 : 1)));
            trial_free(t);
        }
}

static void a_new_plan_changes_the_rate_from_here_on_and_no_step_that_is_done(void **state)
{
    (void)state;
    struct trial *t = trial_of(start, NULL, 0);
    const double before = trial_lr(t, 60);
    const struct position at = trial_at(t, 60);
    trial_plan(t, 80 * 96);
    assert_true(trial_lr(t, 60) < before); // the same step lies later in a shorter run
    check_position(trial_at(t, 60), at.step, at.samples, at.tokens);
    assert_true(trial_lr(t, 80) == 0.001);
    trial_plan(t, 100 * 96);
    assert_true(trial_lr(t, 60) == before);
    trial_free(t);
}

static void a_tails_rate_falls_in_a_straight_line_to_zero(void **state)
{
    (void)state;
    struct trial *t = trial_of(start, NULL, 0);
    double before = trial_lr(t, 39 + 5);
    trial_begin_tail(t, (struct tail){.from = 45, .steps = 10, .lr = 0.004});
    assert_int_equal(t->until, 55);
    assert_true(trial_lr(t, 44) == before); // not yet
    for (uint64_t i = 0; i <= 10; i++)
        assert_true(fabs(trial_lr(t, 45 + i) - 0.004 * (double)(10 - i) / 10) < 1e-15);
    assert_true(trial_lr(t, 45) == 0.004);
    assert_true(trial_lr(t, 55) == 0);
    trial_free(t);
}

/* Leases a step, and adds all its losses and squares. */
static void lease_whole(struct trial *t, double loss)
{
    struct err err;
    const double losses[LEAVES] = {loss}, squares[BLOCKS] = {1};
    assert_true(trial_may_lease(t));
    trial_lease(t, 100);
    assert_int_equal(step_result_add_losses(t->result, 0, losses, LEAVES, &err), 0);
    assert_int_equal(step_result_add_squares(t->result, 0, squares, BLOCKS, &err), 0);
}

static void a_step_is_done_when_all_servers_have_committed_it(void **state)
{
    (void)state;
    struct err err;
    Trireme__StepDecision decision;
    struct trial *t = trial_of(start, NULL, 0);
    assert_true(trial_rests(t) && !trial_may_lease(t)); // at `until`
    trial_run_until(t, 42);
    lease_whole(t, 96);
    assert_true(!trial_rests(t) && trial_first_rest(t) == 41);
    assert_int_equal(trial_decide(t, &decision, SERVERS, &err), 0);
    assert_true(decision.trial == 1 && decision.step == 40 && decision.lr == trial_lr(t, 40));
    assert_true(t->line.step == 41 && t->line.loss == 1);
    trial_lease(t, 101); // the next one, while this one commits
    assert_int_equal(trial_first_rest(t), 42);
    assert_false(trial_committed(t, 102));
    assert_int_equal(t->step, 40);
    assert_true(trial_committed(t, 104));
    assert_int_equal(t->step, 41);
    assert_true(t->line.seconds == 4 && t->line.tok_per_s == 96 / 4.0);
    assert_true(t->leased && !trial_rests(t));
    trial_rest(t);
    assert_int_equal(t->until, 42);
    trial_free(t);
}

static void a_loss_that_is_not_finite_decides_nothing_and_the_trial_may_diverge(void **state)
{
    (void)state;
    struct err err;
    Trireme__StepDecision decision;
    struct trial *t = trial_of(start, NULL, 0);
    trial_run_until(t, 60);
    lease_whole(t, NAN);
    assert_int_equal(trial_decide(t, &decision, SERVERS, &err), -1);
    assert_int_equal(err.code, ERR_TRAIN);
    assert_true(trial_rests(t) && !trial_arrived(t));
    trial_diverge(t);
    assert_int_equal(t->state, TRIAL_DIVERGED);
    assert_true(trial_arrived(t) && !trial_may_lease(t));
    trial_stop(t);
    trial_diverge(t); // it takes no more steps in any case
    trial_run_until(t, 80);
    assert_int_equal(t->state, TRIAL_STOPPED);
    assert_true(t->until == 0 && trial_arrived(t) && !trial_may_lease(t));
    trial_free(t);
}

static void a_fork_is_open_with_the_last_servers_answer_and_refused_with_any(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second, *refused;
        enum trial_state state;
    } cases[] = {
        {NULL,   NULL,   NULL,   TRIAL_OPEN   },
        {"none", NULL,   "none", TRIAL_REFUSED},
        {NULL,   "less", "less", TRIAL_REFUSED},
        {"none", "less", "none", TRIAL_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial *t = trial_made_by(SERVERS, start, NULL, 0);
        trial_run_until(t, 60);
        trial_forked(t, 10, cases[i].first, false);
        assert_int_equal(t->state, TRIAL_FORKING);
        assert_true(!trial_rests(t) && !trial_arrived(t) && !trial_may_lease(t));
        trial_forked(t, 20, cases[i].second, false);
        assert_int_equal(t->state, cases[i].state);
        assert_int_equal(t->bytes, 30);
        assert_true(!t->refused == !cases[i].refused);
        if (t->refused)
            assert_string_equal(t->refused, cases[i].refused);
        assert_int_equal(trial_may_lease(t), cases[i].state == TRIAL_OPEN);
        assert_int_equal(trial_arrived(t), cases[i].state == TRIAL_REFUSED);
        trial_free(t);
    }
}

static void a_fork_that_is_stopped_stays_so_and_rests_when_all_servers_have_answered(void **state)
{
    (void)state;
    struct trial *t = trial_made_by(SERVERS, start, NULL, 0);
    trial_stop(t);
    trial_forked(t, 10, NULL, false);
    assert_false(trial_rests(t));
    trial_forked(t, 10, "no memory", false);
    assert_true(t->state == TRIAL_STOPPED && trial_rests(t));
    trial_free(t);
}

static void a_trial_arrives_at_its_step(void **state)
{
    (void)state;
    struct trial *t = trial_of(start, NULL, 0);
    assert_true(trial_arrived(t));
    trial_run_until(t, 60);
    assert_false(trial_arrived(t));
    trial_rest(t);
    assert_true(t->until == 40 && trial_arrived(t));
    trial_rename(t, "trunk");
    assert_string_equal(t->name, "trunk");
    trial_free(t);
}

static void a_forks_stretch_has_as_many_tokens_as_the_trunks(void **state)
{
    (void)state;
    static const struct {
        char *setting;
        uint64_t steps; /* of the fork in 20 of the trunk */
    } cases[] = {
        {"train.batch=12",  20},
        {"train.batch=24",  10},
        {"train.batch=6",   40},
        {"train.batch=4",   60},
        {"train.context=2", 80},
    };
    struct trial *trunk = trial_of(start, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial *fork = trial_of(start, &cases[i].setting, 1);
        assert_int_equal(trial_equal_steps(20, trunk->config, fork->config), cases[i].steps);
        assert_int_equal(trial_equal_steps(cases[i].steps, fork->config, trunk->config), 20);
        trial_free(fork);
    }
    trial_free(trunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_counts_steps_samples_and_tokens_from_where_the_trial_began),
        cmocka_unit_test(a_run_ends_when_its_tokens_are_used_up),
        cmocka_unit_test(the_rate_follows_from_tokens_and_is_continuous_over_a_change_of_batch),
        cmocka_unit_test(a_run_ends_when_the_tokens_that_it_is_planned_to_have_are_used_up),
        cmocka_unit_test(
            the_rate_reads_the_planned_tokens_exactly_also_where_they_are_no_whole_steps),
        cmocka_unit_test(a_new_plan_changes_the_rate_from_here_on_and_no_step_that_is_done),
        cmocka_unit_test(a_tails_rate_falls_in_a_straight_line_to_zero),
        cmocka_unit_test(a_step_is_done_when_all_servers_have_committed_it),
        cmocka_unit_test(a_loss_that_is_not_finite_decides_nothing_and_the_trial_may_diverge),
        cmocka_unit_test(a_fork_is_open_with_the_last_servers_answer_and_refused_with_any),
        cmocka_unit_test(a_fork_that_is_stopped_stays_so_and_rests_when_all_servers_have_answered),
        cmocka_unit_test(a_trial_arrives_at_its_step),
        cmocka_unit_test(a_forks_stretch_has_as_many_tokens_as_the_trunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
