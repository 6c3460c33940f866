#include "tests/unit/support.h"

#include "base/mem.h"
#include "proto/order/segment.h"

#include <inttypes.h>

struct list {
    Trireme__Segment **segments;
    size_t n;
};

static struct list list_with(const struct order_change *first)
{
    struct err err;
    struct list list = {.segments = mem_new(1, sizeof *list.segments), .n = 1};
    list.segments[0] = order_first_segment(first, &err);
    if (!list.segments[0])
        fail_msg("%s", err.text);
    return list;
}

static struct list list_new(const double *weights, size_t n)
{
    return list_with(&(struct order_change){.weights = weights, .n_sources = n});
}

static void list_free(struct list *list)
{
    for (size_t i = 0; i < list->n; i++)
        trireme__segment__free_unpacked(list->segments[i], NULL);
    free(list->segments);
}

static void must_change(struct list *list, uint64_t sample, const double *weights, size_t n,
                        uint64_t skip, uint32_t parts)
{
    struct err err;
    const struct order_change change = {
        .weights = weights, .n_sources = n, .skip = skip, .parts = parts};
    if (order_append(&list->segments, &list->n, sample, &change, &err) < 0)
        fail_msg("%s", err.text);
}

static void must_append(struct list *list, uint64_t sample, const double *weights, size_t n)
{
    must_change(list, sample, weights, n, 0, 1);
}

static struct order *must_open(const struct list *list)
{
    struct err err;
    struct order *order = order_new((const Trireme__Segment *const *)list->segments, list->n, &err);
    if (!order)
        fail_msg("%s", err.text);
    return order;
}

/* Samples that each of three sources gave before `sample`, of an order without a change. */
static void count_before(struct order *order, uint64_t counts[3], uint64_t sample)
{
    memset(counts, 0, 3 * sizeof *counts);
    for (uint64_t p = 0; p < sample; p++)
        counts[order_locate(order, p).source]++;
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
        if (place.window != next[place.source])
            fail_msg("sample %" PRIu64 ": source %zu gives its %" PRIu64 ", expected %" PRIu64, p,
                     place.source, place.window, next[place.source]);
        next[place.source]++;
    }
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
        assert_int_equal(x.window, y.window);
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
        assert_int_equal(place.window, places[p].window);
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

/* Number of a sample among its source's own, in samples of its size. */
static uint64_t index_of(struct order_place place)
{
    return place.window * place.parts + place.part;
}

/* Checks that one order gives from sample `from` on what the other gives from `other_from` on. */
static void check_same_from(const struct list *list, uint64_t from, const struct list *other,
                            uint64_t other_from)
{
    struct order *a = must_open(list), *b = must_open(other);
    for (uint64_t p = 0; p < 3000; p++) {
        struct order_place x = order_locate(a, from + p), y = order_locate(b, other_from + p);
        if (x.source != y.source || x.window != y.window || x.part != y.part || x.parts != y.parts)
            fail_msg("sample %" PRIu64 " is %zu/%" PRIu64 "/%u, expected %zu/%" PRIu64 "/%u",
                     from + p, x.source, x.window, x.part, y.source, y.window, y.part);
    }
    order_free(a);
    order_free(b);
}

static void a_skip_of_n_reads_what_would_have_come_n_samples_later(void **state)
{
    (void)state;
    static const uint64_t starts[] = {0, 1, 17, 1000}, skips[] = {1, 5, 700, 100000};
    for (size_t i = 0; i < 16; i++) {
        const uint64_t start = starts[i / 4], skip = skips[i % 4];
        struct list list = list_new(SKEWED, 3), plain = list_new(SKEWED, 3);
        must_change(&list, start, SKEWED, 3, skip, 1);
        check_same_from(&list, start, &plain, start + skip);
        must_change(&list, start + 33, SKEWED, 3, 7, 1); // and again
        check_same_from(&list, start + 33, &plain, start + 33 + skip + 7);
        must_change(&list, start + 33, SKEWED, 3, 2, 1); // and at the same sample
        check_same_from(&list, start + 33, &plain, start + 33 + skip + 9);
        list_free(&list);
        list_free(&plain);
    }
}

static void a_skip_after_a_change_of_weights_and_of_parts_is_exact_too(void **state)
{
    (void)state;
    struct list list = list_new(EVEN, 3), plain = list_new(EVEN, 3);
    must_change(&list, 400, SKEWED, 3, 0, 4);
    must_change(&plain, 400, SKEWED, 3, 0, 4);
    must_change(&list, 1001, SKEWED, 3, 123, 4);
    assert_int_equal(list.n, 3);
    check_same_from(&list, 1001, &plain, 1124);
    list_free(&list);
    list_free(&plain);
}

static void a_trial_that_begins_with_a_skip_reads_what_would_have_come_later(void **state)
{
    (void)state;
    struct list list = list_with(
                    &(struct order_change){.weights = SKEWED, .n_sources = 3, .skip = 777}),
                plain = list_new(SKEWED, 3);
    check_same_from(&list, 0, &plain, 777);
    must_change(&list, 10, SKEWED, 3, 5, 1);
    check_same_from(&list, 10, &plain, 792);
    list_free(&list);
    list_free(&plain);
}

static void a_skip_with_new_weights_goes_on_from_where_the_old_ones_would_have_been(void **state)
{
    (void)state;
    struct list list = list_new(SKEWED, 3), plain = list_new(SKEWED, 3),
                later = list_new(SKEWED, 3);
    must_change(&list, 100, EVEN, 3, 50, 1);
    must_change(&later, 150, EVEN, 3, 0, 1);
    uint64_t expected[3];
    struct order *order = must_open(&plain);
    count_before(order, expected, 150);
    assert_memory_equal(list.segments[1]->cursors, expected, sizeof expected);
    check_same_from(&list, 100, &later, 150);
    order_free(order);
    list_free(&list);
    list_free(&plain);
    list_free(&later);
}

/* Tokens of a source are counted in units of 1/GRAIN of a window, which all parts of the test
 * divide. */
enum { GRAIN = 12 };

static void changes_of_parts_repeat_no_token_and_pass_over_less_than_a_sample(void **state)
{
    (void)state;
    static const struct {
        uint64_t sample;
        uint32_t parts;
    } changes[] = {
        {100,  4 },
        {301,  1 },
        {302,  2 },
        {405,  3 },
        {500,  6 },
        {1111, 12},
        {2000, 2 },
        {2003, 1 }
    };
    struct list list = list_new(EVEN, 3);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        must_change(&list, changes[i].sample,
                    i == 4  ? SKEWED
                    : i > 4 ? WITHOUT
                            : EVEN,
                    3, 0, changes[i].parts);
    assert_int_equal(list.n, 9);
    struct order *order = must_open(&list);
    uint64_t next[3] = {0}, passed_over = 0;
    uint32_t parts[3] = {1, 1, 1}; // at the source's last sample
    for (uint64_t p = 0; p < 3000; p++) {
        const struct order_place place = order_locate(order, p);
        const uint64_t first = index_of(place) * GRAIN / place.parts,
                       gap = first - next[place.source];
        assert_int_equal(place.parts, order_parts(order, p));
        if (first < next[place.source])
            fail_msg("sample %" PRIu64 " reads what source %zu had given", p, place.source);
        if (gap && (place.parts == parts[place.source] || gap >= GRAIN))
            fail_msg("sample %" PRIu64 " passes over %" PRIu64 " twelfths", p, gap);
        passed_over += gap;
        next[place.source] = first + GRAIN / place.parts;
        parts[place.source] = place.parts;
    }
    assert_true(passed_over > 0); // some change is not at the end of a window
    order_free(order);
    list_free(&list);
}

static void parts_that_divide_each_other_lose_nothing_on_the_way_down(void **state)
{
    (void)state;
    struct list list = list_new(EVEN, 3), plain = list_new(EVEN, 3);
    must_change(&list, 50, EVEN, 3, 0, 4);
    assert_int_equal(list.n, 2);
    uint64_t counts[3];
    struct order *order = must_open(&plain);
    count_before(order, counts, 50);
    for (size_t s = 0; s < 3; s++)
        assert_int_equal(list.segments[1]->cursors[s], 4 * counts[s]);
    order_free(order);
    must_change(&list, 50 + 4 * 12, EVEN, 3, 0, 1); // each source has given 16 quarters
    for (size_t s = 0; s < 3; s++)
        assert_int_equal(list.segments[2]->cursors[s], counts[s] + 4);
    list_free(&list);
    list_free(&plain);
}

static void cursors_are_rounded_up_where_a_window_has_been_begun(void **state)
{
    (void)state;
    struct list list =
        list_with(&(struct order_change){.weights = (double[]){1}, .n_sources = 1, .parts = 4});
    must_change(&list, 9, (double[]){1}, 1, 0, 3);
    assert_int_equal(list.segments[1]->cursors[0], 7); // 9 quarters are 6.75 thirds
    must_change(&list, 10, (double[]){1}, 1, 2, 1);
    assert_int_equal(list.segments[2]->cursors[0], 4); // 7 + 1 + 2 thirds
    must_change(&list, 20, (double[]){1}, 1, 0, 0);
    assert_int_equal(list.n, 3); // 0 is 1
    list_free(&list);
}

static void a_change_of_parts_or_a_skip_that_is_taken_back_at_once_leaves_no_segment(void **state)
{
    (void)state;
    struct list list = list_new(EVEN, 3);
    must_change(&list, 100, EVEN, 3, 0, 4);
    assert_int_equal(list.n, 2);
    must_change(&list, 100, EVEN, 3, 0, 1);
    assert_int_equal(list.n, 1);
    must_change(&list, 100, SKEWED, 3, 20, 1);
    must_change(&list, 100, EVEN, 3, 0, 1);
    assert_int_equal(list.n, 2); // what was passed over does not come back
    struct list plain = list_new(EVEN, 3);
    uint64_t expected[3];
    struct order *order = must_open(&plain);
    count_before(order, expected, 120);
    assert_memory_equal(list.segments[1]->cursors, expected, sizeof expected);
    order_free(order);
    list_free(&plain);
    list_free(&list);
}

static void check_append_refused(struct list *list, uint64_t sample, const double *weights,
                                 size_t n, enum err_code code, const char *sentence)
{
    struct err err = {0};
    size_t n_before = list->n;
    const struct order_change change = {.weights = weights, .n_sources = n};
    assert_int_equal(order_append(&list->segments, &list->n, sample, &change, &err), -1);
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
    check_append_refused(&list, 99, EVEN, 3, ERR_DATA,
                         "it changes at sample 99, expected no change before 100");
    check_append_refused(&list, 200, (double[]){0, 0, 0}, 3, ERR_USAGE,
                         "the weights of all 3 sources are zero");
    struct err err = {0};
    assert_null(order_first_segment(
        &(struct order_change){.weights = (double[]){0}, .n_sources = 1}, &err));
    assert_int_equal(err.code, ERR_USAGE);
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
        cmocka_unit_test(a_skip_of_n_reads_what_would_have_come_n_samples_later),
        cmocka_unit_test(a_skip_after_a_change_of_weights_and_of_parts_is_exact_too),
        cmocka_unit_test(a_trial_that_begins_with_a_skip_reads_what_would_have_come_later),
        cmocka_unit_test(a_skip_with_new_weights_goes_on_from_where_the_old_ones_would_have_been),
        cmocka_unit_test(changes_of_parts_repeat_no_token_and_pass_over_less_than_a_sample),
        cmocka_unit_test(parts_that_divide_each_other_lose_nothing_on_the_way_down),
        cmocka_unit_test(cursors_are_rounded_up_where_a_window_has_been_begun),
        cmocka_unit_test(a_change_of_parts_or_a_skip_that_is_taken_back_at_once_leaves_no_segment),
        cmocka_unit_test(changes_that_make_no_sense_are_refused),
        cmocka_unit_test(damaged_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
