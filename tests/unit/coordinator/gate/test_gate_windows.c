/* Which windows judge: their weights, whether there are enough, and that none is read twice. */
#include "tests/unit/coordinator/run/run_dir.h"

#include "coordinator/gate/gate_windows.h"
#include "coordinator/ledger/history.h"
#include "coordinator/train/roster.h"
#include "proto/schema/message.h"

/* A run of two sources, which are read 2 : 1. */
struct fixture {
    struct run run;
    double weights[2];
    Trireme__Segment segment, *segments[1];
    struct eval_source sources[2];
    uint64_t gate[2], sealed[2];
    struct roster roster;
    uint64_t taken[2];
    struct history history;
    struct gate_windows windows;
};

static void fixture_init(struct fixture *f, const char *setting)
{
    *f = (struct fixture){
        .weights = {2,   1   },
          .gate = {256, 1000},
          .sealed = {256, 1000}
    };
    trireme__segment__init(&f->segment);
    f->segment.weights = f->weights, f->segment.n_weights = 2;
    f->segments[0] = &f->segment;
    f->run =
        (struct run){.config = run_dir_config(setting), .segments = f->segments, .n_segments = 1};
    f->sources[0] = (struct eval_source){.name = (char *)"a", .samples = 64};
    f->sources[1] = (struct eval_source){.name = (char *)"b", .samples = 100};
    f->roster = (struct roster){.sources = f->sources,
                                .n_sources = 2,
                                .gate_samples = f->gate,
                                .sealed_samples = f->sealed};
    f->history = (struct history){.windows_taken = f->taken, .n_windows_taken = 2};
}

static void begin(struct fixture *f)
{
    gate_windows_clear(&f->windows);
    gate_windows_init(&f->windows, &f->run, &f->roster);
}

static void fixture_clear(struct fixture *f)
{
    gate_windows_clear(&f->windows);
    message_free(f->run.config);
}

static void the_operators_weights_judge_and_not_the_mixtures(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        double weights[2];
        uint32_t counts[2];
    } cases[] = {
        {NULL,                 {2, 1}, {80, 40}},
        {"gate.weights=[1,3]", {1, 3}, {30, 90}},
        {"gate.weights=[0,1]", {0, 1}, {0, 120}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        uint32_t counts[2];
        uint64_t first[2];
        fixture_init(&f, cases[i].setting);
        begin(&f);
        assert_memory_equal(f.windows.weights, cases[i].weights, sizeof cases[i].weights);
        gate_windows_draw(&f.windows, &f.history, 120, counts, first);
        assert_memory_equal(counts, cases[i].counts, sizeof counts);
        fixture_clear(&f);
    }
}

static void each_part_of_each_weighted_source_must_have_its_least_windows(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL);
    begin(&f);
    assert_null(f.windows.off);
    uint64_t *least[] = {&f.sources[0].samples, &f.gate[0], &f.sealed[0]};
    for (size_t i = 0; i < 3; i++) {
        --*least[i];
        begin(&f);
        if (!f.windows.off)
            fail_msg("part %zu of source a: one window too few was taken", i);
        assert_contains(f.windows.off, "source 'a'");
        ++*least[i];
    }
    f.gate[1] = 3;
    begin(&f);
    assert_contains(f.windows.off, "source 'b' has 100 windows to look at, 3 to judge by");
    fixture_clear(&f);
    fixture_init(&f, "gate.weights=[0,1]");
    f.gate[0] = f.sealed[0] = 0; // it judges nothing
    begin(&f);
    assert_null(f.windows.off);
    fixture_clear(&f);
}

static void no_slice_reads_a_window_twice_and_all_are_read_before_any_again(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t counts[2];
    uint64_t first[2], next[2] = {0, 0};
    fixture_init(&f, "gate.weights=[1,1]");
    begin(&f);
    for (int i = 0; i < 40; i++) {
        gate_windows_draw(&f.windows, &f.history, 200, counts, first);
        for (int s = 0; s < 2; s++) {
            assert_int_equal(counts[s], 100);
            // 100 and 100 of 256, 56 passed over; ten times 100 of 1000
            uint64_t left = f.gate[s] - next[s] % f.gate[s];
            uint64_t expected = next[s] + (left < 100 ? left : 0);
            assert_int_equal(first[s], expected);
            assert_int_equal(first[s] / f.gate[s], (first[s] + 99) / f.gate[s]);
            next[s] = f.taken[s] = first[s] + 100;
        }
    }
    assert_int_equal(next[0], 19 * 256 + 200);
    assert_int_equal(next[1], 4000);
    fixture_clear(&f);
}

static void a_slice_begins_behind_what_stretches_have_taken_and_takes_nothing_itself(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t counts[2];
    uint64_t first[2];
    fixture_init(&f, "gate.weights=[1,1]");
    begin(&f);
    f.taken[0] = 37, f.taken[1] = 5;
    for (int again = 0; again < 2; again++) {
        gate_windows_draw(&f.windows, &f.history, 64, counts, first);
        assert_true(first[0] == 37 && first[1] == 5);
    }
    f.history.n_windows_taken = 0; // before the first stretch
    gate_windows_draw(&f.windows, &f.history, 64, counts, first);
    assert_true(first[0] == 0 && first[1] == 0);
    fixture_clear(&f);
}

static bool are_fresh(const struct fixture *f, uint32_t n)
{
    return gate_windows_are_fresh(&f->windows, &f->history, &n, 1);
}

static void windows_are_fresh_until_one_source_has_none_that_no_stretch_has_read(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, "gate.weights=[1,1]"); // of 256 and 1000
    begin(&f);
    assert_true(are_fresh(&f, 512));
    assert_false(are_fresh(&f, 513));
    f.taken[0] = 206;
    assert_true(are_fresh(&f, 100));
    assert_false(are_fresh(&f, 101));
    f.taken[0] = 256 + 10; // in a second shuffle
    assert_false(are_fresh(&f, 1));
    f.taken[0] = 0, f.taken[1] = 990;
    assert_true(are_fresh(&f, 20));
    assert_false(are_fresh(&f, 22));
    f.history.n_windows_taken = 0; // before the first stretch
    assert_true(are_fresh(&f, 512));
    fixture_clear(&f);
}

/* Fresh is what a draw leaves within the first shuffle. */
static void what_is_called_fresh_is_drawn_from_windows_that_were_not_read(void **state)
{
    (void)state;
    static const char *const settings[] = {"gate.weights=[1,1]", "gate.weights=[2,1]",
                                           "gate.weights=[0.1,0.7]", "gate.weights=[0,1]"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        struct fixture f;
        fixture_init(&f, settings[i]);
        begin(&f);
        for (f.taken[0] = 0; f.taken[0] <= 256; f.taken[0] += 16)
            for (f.taken[1] = 0; f.taken[1] <= 1000; f.taken[1] += 40)
                for (uint32_t n = 1; n < 600; n += 13) {
                    uint32_t counts[2];
                    uint64_t first[2];
                    gate_windows_draw(&f.windows, &f.history, n, counts, first);
                    const bool fresh = are_fresh(&f, n);
                    for (int s = 0; s < 2; s++)
                        if (fresh && (first[s] != f.taken[s] || first[s] + counts[s] > f.gate[s]))
                            fail_msg("%s: %u windows are fresh, source %d draws %u from %llu",
                                     settings[i], n, s, counts[s], (unsigned long long)first[s]);
                }
        fixture_clear(&f);
    }
}

/* Of 37 windows the first of two equal sources has 19: of three times 37 it has 57, and not 56.
 * What draws come to is the oracle. */
static void slices_in_a_row_are_fresh_if_what_each_draws_was_not_read(void **state)
{
    (void)state;
    static const char *const settings[] = {"gate.weights=[1,1]", "gate.weights=[2,1]",
                                           "gate.weights=[0.3,0.7]"};
    static const uint32_t slices[][3] = {
        {37, 37, 37},
        {40, 37, 64},
        {64, 64, 65}
    };
    unsigned n_fresh = 0, n_all = 0;
    for (size_t i = 0; i < 9; i++) {
        const uint32_t *slice = slices[i / 3];
        struct fixture f;
        fixture_init(&f, settings[i % 3]);
        begin(&f);
        for (uint64_t taken = 120; taken <= 240; taken++) {
            uint32_t counts[2];
            uint64_t first[2];
            bool expected = true;
            f.taken[0] = taken, f.taken[1] = 0;
            const bool found = gate_windows_are_fresh(&f.windows, &f.history, slice, 3);
            for (int k = 0; k < 3; k++) {
                gate_windows_draw(&f.windows, &f.history, slice[k], counts, first);
                for (int s = 0; s < 2; s++) {
                    expected = expected && first[s] + counts[s] <= f.gate[s];
                    f.taken[s] = first[s] + counts[s];
                }
            }
            if (found != expected)
                fail_msg("%s, %u windows first, %llu taken: found %d, expected %d", settings[i % 3],
                         slice[0], (unsigned long long)taken, found, expected);
            n_fresh += expected, n_all++;
        }
        fixture_clear(&f);
    }
    assert_true(n_fresh > 0 && n_fresh < n_all);
}

static void the_most_windows_are_those_of_which_none_is_there_twice(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        uint32_t most;
    } cases[] = {
        {NULL,                   384 }, // 256 and 128
        {"gate.weights=[1,1]",   512 },
        {"gate.weights=[1,3]",   1024}, // 256 and 768
        {"gate.weights=[1,9]",   1111}, // 111 and 1000
        {"gate.weights=[0,1]",   1000},
        {"gate.weights=[0.3,0]", 256 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        uint32_t counts[2];
        uint64_t first[2];
        fixture_init(&f, cases[i].setting);
        begin(&f);
        assert_int_equal(gate_windows_max(&f.windows), cases[i].most);
        gate_windows_draw(&f.windows, &f.history, cases[i].most, counts, first);
        assert_true(counts[0] <= f.gate[0] && counts[1] <= f.gate[1]);
        fixture_clear(&f);
    }
}

static void of_one_source_all_windows_can_be_read_whatever_its_weight(void **state)
{
    (void)state;
    double weight = 0;
    uint64_t there = 0;
    const struct gate_windows one = {.weights = &weight, .n_sources = 1, .there = &there};
    for (int i = 1; i < 2000; i++) {
        weight = 0.1 * i;
        there = 256 + 7 * (uint64_t)i;
        assert_int_equal(gate_windows_max(&one), there);
    }
    there = (uint64_t)UINT32_MAX + 5;
    assert_int_equal(gate_windows_max(&one), UINT32_MAX);
}

static void no_draw_of_the_most_windows_has_one_twice_whatever_the_weights(void **state)
{
    (void)state;
    double weights[2];
    uint64_t there[2];
    const struct gate_windows two = {.weights = weights, .n_sources = 2, .there = there};
    const struct history history = {0};
    for (int i = 1; i <= 60; i++)
        for (int j = 1; j <= 60; j++) {
            uint32_t counts[2];
            uint64_t first[2];
            weights[0] = 0.1 * i, weights[1] = 0.07 * j;
            there[0] = 256 + (uint64_t)(i * j), there[1] = 1000 - (uint64_t)j;
            gate_windows_draw(&two, &history, gate_windows_max(&two), counts, first);
            if (counts[0] > there[0] || counts[1] > there[1])
                fail_msg("weights %g and %g: found %u of %llu and %u of %llu", weights[0],
                         weights[1], counts[0], (unsigned long long)there[0], counts[1],
                         (unsigned long long)there[1]);
        }
}

static void assert_shares(const double *weights, size_t n_sources, uint32_t n,
                          const uint32_t *expected)
{
    uint32_t counts[4];
    gate_share_windows(counts, weights, n_sources, n);
    for (size_t i = 0; i < n_sources; i++)
        if (counts[i] != expected[i])
            fail_msg("source %zu of %zu: found %u of %u windows, expected %u", i, n_sources,
                     counts[i], n, expected[i]);
}

static void windows_are_shared_out_by_largest_remainder(void **state)
{
    (void)state;
    assert_shares((double[]){3}, 1, 128, (uint32_t[]){128});
    assert_shares((double[]){1, 3}, 2, 128, (uint32_t[]){32, 96});
    assert_shares((double[]){0.5, 0.3, 0.2}, 3, 7, (uint32_t[]){4, 2, 1}); // 3.5, 2.1, 1.4
    assert_shares((double[]){1, 1, 1}, 3, 128, (uint32_t[]){43, 43, 42});  // ties to the lowest
    assert_shares((double[]){1, 0, 1}, 3, 3, (uint32_t[]){2, 0, 1});       // no weight, no window
    // fewer windows than sources
    assert_shares((double[]){1, 1, 1, 1}, 4, 3, (uint32_t[]){1, 1, 1, 0});
    assert_shares((double[]){0.1, 0.2, 0.7}, 3, 1000, (uint32_t[]){100, 200, 700});
    assert_shares((double[]){1e6, 1e-6, 0}, 3, 1024, (uint32_t[]){1024, 0, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_operators_weights_judge_and_not_the_mixtures),
        cmocka_unit_test(each_part_of_each_weighted_source_must_have_its_least_windows),
        cmocka_unit_test(no_slice_reads_a_window_twice_and_all_are_read_before_any_again),
        cmocka_unit_test(a_slice_begins_behind_what_stretches_have_taken_and_takes_nothing_itself),
        cmocka_unit_test(windows_are_fresh_until_one_source_has_none_that_no_stretch_has_read),
        cmocka_unit_test(what_is_called_fresh_is_drawn_from_windows_that_were_not_read),
        cmocka_unit_test(slices_in_a_row_are_fresh_if_what_each_draws_was_not_read),
        cmocka_unit_test(the_most_windows_are_those_of_which_none_is_there_twice),
        cmocka_unit_test(of_one_source_all_windows_can_be_read_whatever_its_weight),
        cmocka_unit_test(no_draw_of_the_most_windows_has_one_twice_whatever_the_weights),
        cmocka_unit_test(windows_are_shared_out_by_largest_remainder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
