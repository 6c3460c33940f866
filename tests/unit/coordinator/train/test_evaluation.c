#include "tests/unit/support.h"

#include "coordinator/train/evaluation.h"
#include "proto/schema/message.h"

#include <math.h>

static struct eval_source eval_sources[] = {
    {.name = (char *)"a",    .samples = 3},
    {.name = (char *)"none"},
    {.name = (char *)"b",        .samples = 100            }
};

static const double sums_a[] = {1e10, 3, 1e-3}, sums_b[] = {1.5, 1e16, -1e16, 8, 9};
static const uint64_t bytes_a[] = {16, 16, 16}, bytes_b[] = {70, 0, 64, 66, 120};

static void take(struct evaluation *e, size_t source, uint64_t first, const double *sums, size_t n)
{
    struct err err;
    const uint64_t *bytes = sums == sums_a ? bytes_a : bytes_b;
    if (evaluation_add_sums(e, source, first, sums + first, bytes + first, n, &err) < 0)
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
                    line->val_bpb == (nats_a + nats_b) / (log(2) * (3 * 16 + 320)));
        assert_true(evaluation_bytes_per_token(e, 0) == 1 &&
                    evaluation_bytes_per_token(e, 1) == 0 && evaluation_bytes_per_token(e, 2) == 4);
        assert_int_equal(line->n_sources, 2); // without the source that has no samples
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
    assert_int_equal(evaluation_add_sums(e, 2, 2, sums_b, NULL, 1, &err), -1);
    assert_string_equal(err.text, "evaluated sample 2 of source 2 came twice");
    assert_int_equal(evaluation_add_sums(e, 3, 0, sums_b, NULL, 1, &err), -1);
    assert_contains(err.text, "which nobody asked for");
    assert_int_equal(evaluation_add_sums(e, 1, 0, sums_b, NULL, 1, &err), -1);
    assert_int_equal(evaluation_add_sums(e, 0, 1, sums_b, NULL, 3, &err), -1);
    assert_int_equal(evaluation_add_sums(e, 0, UINT64_MAX, sums_b, NULL, 3, &err), -1);
    assert_int_equal(evaluation_add_sums(e, 0, 1, sums_b, NULL, SIZE_MAX, &err), -1);
    evaluation_free(e);
}

static void bits_per_byte_are_left_out_where_bytes_are_not_known(void **state)
{
    (void)state;
    struct eval_source sources[] = {
        {.name = (char *)"a", .samples = 1},
        {.name = (char *)"b", .samples = 1}
    };
    struct evaluation *e = evaluation_new(sources, 2, 5, 16);
    take(e, 0, 0, sums_a, 1);
    struct err err;
    assert_int_equal(evaluation_add_sums(e, 1, 0, sums_a, NULL, 1, &err), 0);
    Trireme__EvalLine *line = evaluation_line(e, 1);
    assert_true(evaluation_bytes_per_token(e, 0) == 1 && evaluation_bytes_per_token(e, 1) == 0);
    assert_true(line->has_val_loss && !line->has_val_bpb);
    message_free(line);
    evaluation_free(e);
    e = evaluation_new(&eval_sources[1], 1, 5, 16);
    assert_false(evaluation_possible(e));
    evaluation_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_evaluation_does_not_depend_on_the_order_of_arrival),
        cmocka_unit_test(evaluated_samples_that_nobody_asked_for_are_refused),
        cmocka_unit_test(bits_per_byte_are_left_out_where_bytes_are_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
