/* The pure parts of the coordinator: result, evaluation, lease_plan, liveness. */
#include "tests/unit/support.h"

#include "base/mem.h"
#include "base/random.h"
#include "coordinator/train/evaluation.h"
#include "coordinator/train/lease_plan.h"
#include "coordinator/train/liveness.h"
#include "coordinator/train/step_result.h"
#include "proto/schema/message.h"

#include <math.h>

enum { LEAVES = 7, BLOCKS = 5 };

static const double losses[LEAVES] = {1e16, 1, -1e16, 3.3, 1e-9, 7, 1.1},
                    squares[BLOCKS] = {1e12, 1e-7, 3, 1e3, 0.1};

static void check_totals(struct step_result *c)
{
    double loss = 0, square = 0;
    for (size_t i = 0; i < LEAVES; i++)
        loss += losses[i];
    for (size_t i = 0; i < BLOCKS; i++)
        square += squares[i];
    assert_true(step_result_is_complete(c));
    assert_true(step_result_loss(c) == loss && step_result_norm(c) == sqrt(square));
}

static void a_step_is_complete_with_all_leaves_and_blocks_in_any_order(void **state)
{
    (void)state;
    struct err err;
    struct step_result *c = step_result_new(LEAVES, BLOCKS);
    for (uint64_t round = 0; round < 50; round++) {
        step_result_begin(c);
        bool there[LEAVES] = {0};
        for (size_t n = 0, i = 0; n < LEAVES; i++) {
            size_t leaf = random_u64(round, i) % LEAVES;
            if (there[leaf])
                continue;
            there[leaf] = true;
            assert_false(step_result_is_complete(c));
            assert_int_equal(step_result_add_losses(c, leaf, losses + leaf, 1, &err), 0);
            n++;
        }
        assert_false(step_result_is_complete(c));
        size_t cut = round % (BLOCKS + 1);
        assert_int_equal(step_result_add_squares(c, cut, squares + cut, BLOCKS - cut, &err), 0);
        assert_int_equal(step_result_add_squares(c, 0, squares, cut, &err), 0);
        check_totals(c);
    }
    step_result_free(c);
}

static void what_comes_twice_or_from_outside_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct err err;
    struct step_result *c = step_result_new(LEAVES, BLOCKS);
    const double wrong[LEAVES + 1] = {9, 9, 9, 9, 9, 9, 9, 9};
    step_result_begin(c);
    assert_int_equal(step_result_add_losses(c, 2, losses + 2, 3, &err), 0);
    assert_int_equal(step_result_add_losses(c, 0, wrong, 3, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_string_equal(err.text, "the loss of leaf 2 came twice");
    assert_int_equal(step_result_add_losses(c, 5, wrong, 3, &err), -1);
    assert_contains(err.text, "of a step that has 7");
    assert_int_equal(step_result_add_losses(c, SIZE_MAX, wrong, 3, &err), -1);
    assert_int_equal(step_result_add_losses(c, 3, wrong, SIZE_MAX - 1, &err), -1);
    assert_int_equal(step_result_add_losses(c, 0, losses, 2, &err), 0);
    assert_int_equal(step_result_add_losses(c, 5, losses + 5, 2, &err), 0);
    assert_int_equal(step_result_add_squares(c, 0, squares, BLOCKS, &err), 0);
    assert_int_equal(step_result_add_squares(c, 4, wrong, 1, &err), -1);
    assert_string_equal(err.text, "the norm of block 4 came twice");
    check_totals(c);
    step_result_free(c);
}

static struct eval_source eval_sources[] = {
    {.name = (char *)"a",    .samples = 3, .bytes_per_token = 1},
    {.name = (char *)"none"},
    {.name = (char *)"b",  .samples = 100,             .bytes_per_token = 4              }
};

static const double sums_a[] = {1e10, 3, 1e-3}, sums_b[] = {1.5, 1e16, -1e16, 8, 9};

static void take(struct evaluation *e, size_t source, uint64_t first, const double *sums, size_t n)
{
    struct err err;
    if (evaluation_add_sums(e, source, first, sums + first, n, &err) < 0)
        fail_msg("%s", err.text);
}

static void an_evaluation_does_not_depend_on_the_order_of_arrival(void **state)
{
    (void)state;
    struct evaluation *e = evaluation_new(eval_sources, 3, 5, 16);
    assert_true(evaluation_possible(e));
    assert_int_equal(evaluation_samples(e, 0), 3);
    assert_int_equal(evaluation_samples(e, 1), 0);
    assert_int_equal(evaluation_samples(e, 2), 5);
    double nats_a = (sums_a[0] + sums_a[1]) + sums_a[2], nats_b = 0;
    for (int i = 0; i < 5; i++)
        nats_b += sums_b[i];
    for (int order = 0; order < 2; order++) {
        evaluation_begin(e);
        take(e, order ? 2 : 0, 0, order ? sums_b : sums_a, order ? 2 : 3);
        take(e, 2, order ? 2 : 4, sums_b, order ? 3 : 1);
        assert_false(evaluation_complete(e));
        take(e, order ? 0 : 2, order ? 1 : 0, order ? sums_a : sums_b, order ? 2 : 4);
        if (order)
            take(e, 0, 0, sums_a, 1);
        assert_true(evaluation_complete(e));
        Trireme__EvalLine *line = evaluation_line(e, 12);
        assert_int_equal(line->step, 12);
        assert_true(line->val_loss == (nats_a + nats_b) / (8 * 16));
        assert_true(line->has_val_bpb &&
                    line->val_bpb == (nats_a + nats_b) / (log(2) * (3 * 16 * 1 + 5 * 16 * 4)));
        assert_int_equal(line->n_sources, 2); // without the one that has nothing
        assert_string_equal(line->sources[1]->name, "b");
        assert_true(line->sources[0]->val_loss == nats_a / (3 * 16) &&
                    line->sources[1]->val_loss == nats_b / (5 * 16));
        message_free(line);
    }
    evaluation_free(e);
}

static void evaluated_samples_that_nobody_asked_for_are_refused(void **state)
{
    (void)state;
    struct err err;
    struct evaluation *e = evaluation_new(eval_sources, 3, 5, 16);
    evaluation_begin(e);
    take(e, 2, 1, sums_b, 2);
    assert_int_equal(evaluation_add_sums(e, 2, 2, sums_b, 1, &err), -1);
    assert_string_equal(err.text, "evaluated sample 2 of source 2 came twice");
    assert_int_equal(evaluation_add_sums(e, 3, 0, sums_b, 1, &err), -1);
    assert_contains(err.text, "which nobody asked for");
    assert_int_equal(evaluation_add_sums(e, 1, 0, sums_b, 1, &err), -1);
    assert_int_equal(evaluation_add_sums(e, 0, 1, sums_b, 3, &err), -1);
    assert_int_equal(evaluation_add_sums(e, 0, UINT64_MAX, sums_b, 3, &err), -1);
    assert_int_equal(evaluation_add_sums(e, 0, 1, sums_b, SIZE_MAX, &err), -1);
    evaluation_free(e);
}

static void bits_per_byte_are_left_out_where_bytes_are_not_known(void **state)
{
    (void)state;
    struct eval_source sources[] = {
        {.name = (char *)"a", .samples = 1, .bytes_per_token = 1},
        {.name = (char *)"b",                   .samples = 1            }
    };
    struct evaluation *e = evaluation_new(sources, 2, 5, 16);
    take(e, 0, 0, sums_a, 1);
    take(e, 1, 0, sums_a, 1);
    Trireme__EvalLine *line = evaluation_line(e, 1);
    assert_true(line->has_val_loss && !line->has_val_bpb);
    message_free(line);
    evaluation_free(e);
    e = evaluation_new(&eval_sources[1], 1, 5, 16);
    assert_false(evaluation_possible(e));
    evaluation_free(e);
}

static void a_plan_leases_each_leaf_once_and_none_to_the_inactive(void **state)
{
    (void)state;
    enum { WORKERS = 6 };
    for (unsigned set = 1; set < 1 << WORKERS; set++)
        for (uint32_t n = 1; n <= 20; n++) {
            bool active[WORKERS];
            struct leaf_range ranges[WORKERS];
            uint32_t next = 0, least = UINT32_MAX, most = 0;
            for (int w = 0; w < WORKERS; w++)
                active[w] = set >> w & 1;
            lease_plan(ranges, WORKERS, active, n);
            for (int w = 0; w < WORKERS; w++) {
                if (!active[w]) {
                    assert_int_equal(ranges[w].count, 0);
                    continue;
                }
                if (ranges[w].count)
                    assert_int_equal(ranges[w].first, next);
                next += ranges[w].count;
                least = ranges[w].count < least ? ranges[w].count : least;
                most = ranges[w].count > most ? ranges[w].count : most;
            }
            assert_int_equal(next, n);
            assert_true(most - least <= 1);
        }
}

static void ranks_have_names_that_people_can_find(void **state)
{
    (void)state;
    struct liveness *w = liveness_new(4, 2, 60, 0);
    liveness_identify(w, 3, "node7", 4711);
    assert_string_equal(liveness_rank_name(w, 1), "server 0 (rank 1)");
    assert_string_equal(liveness_rank_name(w, 2), "server 1 (rank 2)");
    assert_string_equal(liveness_rank_name(w, 3), "worker 0 (rank 3 on node7, process 4711)");
    char host[400];
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = 0;
    liveness_identify(w, 3, host, UINT64_MAX);
    assert_contains(liveness_rank_name(w, 3), "hhh, process 18446744073709551615)");
    liveness_identify(w, 3, NULL, 0);
    assert_string_equal(liveness_rank_name(w, 3), "worker 0 (rank 3)");
    liveness_free(w);
}

static void a_silent_rank_is_named_with_what_was_awaited(void **state)
{
    (void)state;
    struct err err;
    struct liveness *w = liveness_new(3, 1, 60, 0);
    liveness_await(w, 2, AWAIT_LOSSES, 10);
    liveness_heard(w, 1, 1, 50);
    assert_int_equal(liveness_check(w, 60, &err), 0);
    assert_int_equal(liveness_check(w, 61, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_string_equal(
        err.text,
        "worker 0 (rank 2) has been silent for 61 s while its part of a step was awaited");
    liveness_heard(w, 2, UINT64_MAX, 61);
    liveness_arrived(w, 2, AWAIT_LOSSES);
    assert_int_equal(liveness_check(w, 111, &err), -1);
    assert_string_equal(
        err.text, "server 0 (rank 1) has been silent for 61 s while a sign of life was awaited");
    liveness_free(w);
}

static void a_rank_that_lives_but_does_not_get_on_is_named_later(void **state)
{
    (void)state;
    struct err err;
    struct liveness *w = liveness_new(3, 1, 10, 0);
    liveness_await(w, 2, AWAIT_EVAL, 0);
    liveness_await(w, 1, AWAIT_NORMS, 0);
    liveness_arrived(w, 1, AWAIT_NORMS); // nothing is awaited of it: it may idle for ever
    for (double now = 1; now <= 100; now++) {
        liveness_heard(w, 1, 5, now);
        liveness_heard(w, 2, 5, now); // beats, with the same work each time
        assert_int_equal(liveness_check(w, now, &err), 0);
    }
    liveness_heard(w, 2, 5, 102);
    liveness_heard(w, 1, 5, 102);
    assert_int_equal(liveness_check(w, 102, &err), -1);
    assert_string_equal(
        err.text,
        "worker 0 (rank 2) has not got on for 101 s while its part of an evaluation was awaited");
    liveness_step(w, 20); // but steps may be long: twenty of the longest
    assert_int_equal(liveness_check(w, 102, &err), 0);
    liveness_heard(w, 2, 6, 103); // work was done
    for (double now = 104; now <= 500; now += 5) {
        liveness_heard(w, 1, 5, now);
        liveness_heard(w, 2, 6, now);
        assert_int_equal(liveness_check(w, now, &err), 0);
    }
    liveness_heard(w, 1, 5, 504);
    liveness_heard(w, 2, 6, 504);
    assert_int_equal(liveness_check(w, 504, &err), -1);
    liveness_free(w);
}

static void nobody_is_blamed_for_time_in_which_the_coordinator_was_away(void **state)
{
    (void)state;
    struct err err;
    struct liveness *w = liveness_new(3, 1, 10, 0);
    liveness_await(w, 2, AWAIT_SHARD, 0);
    liveness_forgive(w, 1000);
    assert_int_equal(liveness_check(w, 1010, &err), 0);
    assert_int_equal(liveness_check(w, 1011, &err), -1);
    liveness_free(w);
}

static void what_is_awaited_of_several_ranks_is_there_with_the_last(void **state)
{
    (void)state;
    struct liveness *w = liveness_new(4, 1, 10, 0);
    liveness_await(w, 2, AWAIT_LOSSES, 0);
    liveness_await(w, 3, AWAIT_LOSSES, 0);
    liveness_await(w, 3, AWAIT_EVAL, 0);
    liveness_arrived(w, 3, AWAIT_LOSSES);
    assert_true(liveness_awaits(w, AWAIT_LOSSES));
    liveness_arrived(w, 2, AWAIT_LOSSES);
    assert_false(liveness_awaits(w, AWAIT_LOSSES));
    assert_true(liveness_awaits(w, AWAIT_EVAL));
    liveness_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_complete_with_all_leaves_and_blocks_in_any_order),
        cmocka_unit_test(what_comes_twice_or_from_outside_is_refused_and_changes_nothing),
        cmocka_unit_test(an_evaluation_does_not_depend_on_the_order_of_arrival),
        cmocka_unit_test(evaluated_samples_that_nobody_asked_for_are_refused),
        cmocka_unit_test(bits_per_byte_are_left_out_where_bytes_are_not_known),
        cmocka_unit_test(a_plan_leases_each_leaf_once_and_none_to_the_inactive),
        cmocka_unit_test(ranks_have_names_that_people_can_find),
        cmocka_unit_test(a_silent_rank_is_named_with_what_was_awaited),
        cmocka_unit_test(a_rank_that_lives_but_does_not_get_on_is_named_later),
        cmocka_unit_test(nobody_is_blamed_for_time_in_which_the_coordinator_was_away),
        cmocka_unit_test(what_is_awaited_of_several_ranks_is_there_with_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
