#include "tests/unit/support.h"

#include "base/mem.h"
#include "proto/order/segment.h"

#include <inttypes.h>

struct list {
    Trireme__Segment **segments;
    size_t n;
};

static struct list list_new(const double *weights, size_t n)
{
    struct list list = {.segments = mem_new(1, sizeof *list.segments), .n = 1};
    list.segments[0] = order_first_segment(weights, n);
    return list;
}

static void list_free(struct list *list)
{
    for (size_t i = 0; i < list->n; i++)
        trireme__segment__free_unpacked(list->segments[i], NULL);
    free(list->segments);
}

static void must_append(struct list *list, uint64_t sample, const double *weights, size_t n)
{
    struct err err;
    if (order_append(&list->segments, &list->n, sample, weights, n, &err) < 0)
        fail_msg("%s", err.text);
}

static struct order *must_open(const struct list *list)
{
    struct err err;
    struct order *order = order_new((const Trireme__Segment *const *)list->segments, list->n, &err);
    if (!order)
        fail_msg("%s", err.text);
    return order;
}

static const double EVEN[3] = {1, 1, 1}, SKEWED[3] = {0.2, 0.5, 0.3}, WITHOUT[3] = {1, 0, 2};

static void a_change_of_weights_neither_repeats_nor_skips_a_sample(void **state)
{
    (void)state;
    struct list list = list_new(EVEN, 3);
    must_append(&list, 1000, SKEWED, 3);
    must_append(&list, 1717, WITHOUT, 3);
    must_append(&list, 5003, EVEN, 3);
    assert_int_equal(list.n, 4);
    struct order *order = must_open(&list);
    uint64_t next[3] = {0};
    for (uint64_t p = 0; p < 8000; p++) {
        struct order_place place = order_locate(order, p);
        if (place.index != next[place.source])
            fail_msg("sample %" PRIu64 ": source %zu gives its %" PRIu64 ", expected %" PRIu64, p, place.source,
                     place.index, next[place.source]);
        next[place.source]++;
    }
    uint64_t counts[3];
    order_counts(order, counts, 8000);
    assert_memory_equal(counts, next, sizeof counts);
    order_free(order);
    list_free(&list);
}

static void what_comes_before_a_change_stays_as_it_was(void **state)
{
    (void)state;
    struct list before = list_new(SKEWED, 3), after = list_new(SKEWED, 3);
    must_append(&after, 500, EVEN, 3);
    struct order *a = must_open(&before), *b = must_open(&after);
    for (uint64_t p = 0; p < 500; p++) {
        struct order_place x = order_locate(a, p), y = order_locate(b, p);
        assert_int_equal(x.source, y.source);
        assert_int_equal(x.index, y.index);
    }
    order_free(a);
    order_free(b);
    list_free(&before);
    list_free(&after);
}

static void places_do_not_depend_on_the_order_in_which_they_are_asked(void **state)
{
    (void)state;
    struct list list = list_new(EVEN, 3);
    must_append(&list, 1000, SKEWED, 3);
    struct order *forward = must_open(&list), *backward = must_open(&list);
    enum { N = 3000 };
    struct order_place *places = mem_new(N, sizeof *places);
    for (uint64_t p = N; p-- > 0;)
        places[p] = order_locate(backward, p);
    for (uint64_t p = 0; p < N; p++) {
        struct order_place place = order_locate(forward, p);
        assert_int_equal(place.source, places[p].source);
        assert_int_equal(place.index, places[p].index);
    }
    free(places);
    order_free(forward);
    order_free(backward);
    list_free(&list);
}

static void equal_shares_append_nothing(void **state)
{
    (void)state;
    struct list list = list_new(SKEWED, 3);
    must_append(&list, 77, SKEWED, 3);
    must_append(&list, 99, (double[]){0.4, 1.0, 0.6}, 3);
    assert_int_equal(list.n, 1);
    assert_true(list.segments[0]->weights[1] == SKEWED[1]);
    list_free(&list);
}

static void a_second_change_at_one_sample_replaces_the_first(void **state)
{
    (void)state;
    struct list list = list_new(EVEN, 3);
    must_append(&list, 100, SKEWED, 3);
    uint64_t cursors[3];
    memcpy(cursors, list.segments[1]->cursors, sizeof cursors);
    must_append(&list, 100, WITHOUT, 3);
    assert_int_equal(list.n, 2);
    assert_int_equal(list.segments[1]->first_sample, 100);
    assert_memory_equal(list.segments[1]->weights, WITHOUT, sizeof WITHOUT);
    assert_memory_equal(list.segments[1]->cursors, cursors, sizeof cursors);
    list_free(&list);
}

static void a_change_that_is_taken_back_leaves_no_segment(void **state)
{
    (void)state;
    struct list list = list_new(EVEN, 3);
    must_append(&list, 100, SKEWED, 3);
    must_append(&list, 100, EVEN, 3);
    assert_int_equal(list.n, 1);
    list_free(&list);
}

static void a_change_at_the_first_sample_replaces_the_first_segment(void **state)
{
    (void)state;
    struct list list = list_new(EVEN, 3);
    must_append(&list, 0, SKEWED, 3);
    assert_int_equal(list.n, 1);
    assert_memory_equal(list.segments[0]->weights, SKEWED, sizeof SKEWED);
    list_free(&list);
}

static void check_append_refused(struct list *list, uint64_t sample, const double *weights, size_t n,
                                 enum err_code code, const char *sentence)
{
    struct err err = {0};
    size_t n_before = list->n;
    assert_int_equal(order_append(&list->segments, &list->n, sample, weights, n, &err), -1);
    assert_int_equal(err.code, code);
    assert_contains(err.text, sentence);
    assert_int_equal(list->n, n_before);
}

static void changes_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct list list = list_new(EVEN, 3);
    must_append(&list, 100, SKEWED, 3);
    check_append_refused(&list, 200, EVEN, 2, ERR_USAGE,
                         "data.sources: found 2 sources, expected 3 as at the start of the trial");
    check_append_refused(&list, 99, EVEN, 3, ERR_DATA, "weights change at sample 99, expected none before 100");
    check_append_refused(&list, 200, (double[]){0, 0, 0}, 3, ERR_USAGE, "the weights of all 3 sources are zero");
    list_free(&list);
}

static void check_list_refused(const struct list *list, const char *sentence)
{
    struct err err = {0};
    assert_null(order_new((const Trireme__Segment *const *)list->segments, list->n, &err));
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, sentence);
}

static void damaged_lists_are_refused(void **state)
{
    (void)state;
    struct list list = list_new(EVEN, 3);
    must_append(&list, 100, SKEWED, 3);
    check_list_refused(&(struct list){0}, "found no segment, expected at least one");
    list.segments[1]->first_sample = 0;
    check_list_refused(&list, "segment 1 begins at sample 0, expected one after 0");
    list.segments[1]->first_sample = 100;
    list.segments[1]->n_cursors = 2;
    check_list_refused(&list, "segment 1 has 3 weights and 2 cursors, expected 3 of each");
    list.segments[1]->n_cursors = 3;
    list.segments[0]->first_sample = 1;
    check_list_refused(&list, "the first segment begins at sample 1, expected 0");
    list.segments[0]->first_sample = 0;
    list.segments[0]->n_weights = 0;
    check_list_refused(&list, "segment 0 has no sources");
    list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_of_weights_neither_repeats_nor_skips_a_sample),
        cmocka_unit_test(what_comes_before_a_change_stays_as_it_was),
        cmocka_unit_test(places_do_not_depend_on_the_order_in_which_they_are_asked),
        cmocka_unit_test(equal_shares_append_nothing),
        cmocka_unit_test(a_second_change_at_one_sample_replaces_the_first),
        cmocka_unit_test(a_change_that_is_taken_back_leaves_no_segment),
        cmocka_unit_test(a_change_at_the_first_sample_replaces_the_first_segment),
        cmocka_unit_test(changes_that_make_no_sense_are_refused),
        cmocka_unit_test(damaged_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
