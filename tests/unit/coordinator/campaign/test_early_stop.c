/* When a fork is ended early, and by which windows. */
#include "tests/unit/coordinator/run/run_dir.h"

#include "coordinator/campaign/early_stop.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/gate/gate_windows.h"
#include "coordinator/train/context.h"
#include "coordinator/train/evaluator.h"
#include "coordinator/train/liveness.h"
#include "coordinator/train/roster.h"
#include "coordinator/train/trial.h"
#include "proto/net/endpoint.h"
#include "proto/net/local_transport.h"
#include "proto/schema/message.h"

#include <math.h>

/* A fork of the trunk at step 40, which is to train to step fork_end. */
static struct trial *fork_new(struct pair *pair, uint64_t fork_end)
{
    struct trial *fork = trial_new(1, "h1.0", run_dir_config(NULL), NULL, 0,
                                   (struct position){40, 40 * 32, 40 * 32 * 256}, 32 * 256, 1, 0);
    *pair = (struct pair){.number = 1, .start = 40, .fork_end = fork_end, .fork = fork};
    early_stop_begin(pair, NULL);
    return fork;
}

static void a_fork_ends_that_is_a_tenth_above_its_start_in_the_middle_and_at_the_end(void **state)
{
    (void)state;
    static const struct {
        double middle, end; /* where it began: 2; an end of 0: it is not read */
        bool diverged;
    } cases[] = {
        {2.19,     0,        false},
        {2.21,     2.19,     false},
        {2.21,     2.21,     true },
        {2.9,      2.3,      true },
        {INFINITY, 2.5,      true },
        {NAN,      NAN,      true },
        {1e9,      INFINITY, true },
        {2.5,      1.5,      false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair pair;
        struct trial *fork = fork_new(&pair, 80);
        assert_int_equal(fork->until, 40);
        early_stop_take(&pair, 2);
        assert_int_equal(fork->until, 60);
        early_stop_take(&pair, cases[i].middle);
        assert_int_equal(fork->until, 80);
        assert_int_equal(pair.early_stop.next == TRIREME__EARLY_STOP__AT__end, cases[i].end != 0);
        if (cases[i].end != 0)
            early_stop_take(&pair, cases[i].end);
        if ((fork->state == TRIAL_DIVERGED) != cases[i].diverged)
            fail_msg("2, %g, %g: expected that the fork %s", cases[i].middle, cases[i].end,
                     cases[i].diverged ? "ends" : "goes on");
        assert_int_equal(pair.early_stop.next, TRIREME__EARLY_STOP__AT__over);
        assert_int_equal(pair.early_stop.taken, cases[i].end != 0 ? 3 : 2);
        trial_free(fork);
    }
}

static void no_fork_is_looked_at_before_its_20th_step_but_where_it_begins(void **state)
{
    (void)state;
    static const struct {
        uint64_t steps, middle; /* of a fork; after so many it is looked at: 0: never */
    } cases[] = {
        {10,  0 },
        {19,  0 },
        {20,  20},
        {30,  20},
        {40,  20},
        {41,  20},
        {42,  21},
        {100, 50},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair pair;
        struct trial *fork = fork_new(&pair, 40 + cases[i].steps);
        if (cases[i].middle == 0) { // at once to its end
            assert_int_equal(pair.early_stop.next, TRIREME__EARLY_STOP__AT__over);
            assert_int_equal(fork->until, 40 + cases[i].steps);
        } else {
            assert_int_equal(pair.early_stop.next, TRIREME__EARLY_STOP__AT__start);
            assert_int_equal(fork->until, 40);
            early_stop_take(&pair, 2);
            if (fork->until != 40 + cases[i].middle)
                fail_msg("%llu steps: looked at after %llu, expected %llu",
                         (unsigned long long)cases[i].steps, (unsigned long long)fork->until - 40,
                         (unsigned long long)cases[i].middle);
        }
        assert_false(early_stop_is_over(&pair));
        trial_free(fork);
    }
}

static void forks_are_looked_at_in_the_dev_part_of_weighted_sources_alone(void **state)
{
    (void)state;
    static double weights[] = {1, 0};
    struct endpoint *endpoints[2];
    local_transport_open(endpoints, 2, 2);
    struct eval_source sources[] = {
        {.name = (char *)"a", .samples = 64},
        {.name = (char *)"b", .samples = 64}
    };
    struct roster roster = {.sources = sources, .n_sources = 2};
    struct gate_windows windows = {.weights = weights, .n_sources = 2};
    struct run run = {.config = run_dir_config(NULL)};
    struct liveness *liveness = liveness_new(2, 0, 60, 0);
    struct evaluator *evaluator = evaluator_new(endpoints[0], liveness, 0);
    struct context context = {.run = &run, .roster = &roster, .evaluator = evaluator};
    struct early_stop *early_stop = early_stop_new(&context, &windows);
    struct pair pair;
    struct trial *fork = fork_new(&pair, 80);
    early_stop_turn(early_stop, &pair);
    struct parcel parcel;
    unsigned n = 0;
    while (endpoint_poll(endpoints[1], &parcel)) {
        Trireme__Lease *lease = trireme__lease__unpack(NULL, parcel.size, parcel.bytes);
        assert_int_equal(parcel.tag, TAG_LEASE);
        assert_int_equal(lease->trial, 1);
        assert_int_equal(lease->part, TRIREME__PART__dev);
        assert_int_equal(lease->eval_key, 0);
        assert_int_equal(lease->eval_source, 0);
        n += (unsigned)lease->eval_samples;
        trireme__lease__free_unpacked(lease, NULL);
    }
    assert_int_equal(n, EARLY_STOP_WINDOWS);
    early_stop_free(early_stop);
    trial_free(fork);
    evaluator_free(evaluator);
    liveness_free(liveness);
    message_free(run.config);
    endpoint_free(endpoints[0]);
    endpoint_free(endpoints[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fork_ends_that_is_a_tenth_above_its_start_in_the_middle_and_at_the_end),
        cmocka_unit_test(no_fork_is_looked_at_before_its_20th_step_but_where_it_begins),
        cmocka_unit_test(forks_are_looked_at_in_the_dev_part_of_weighted_sources_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
