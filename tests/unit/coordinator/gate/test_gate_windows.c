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
}

static void begin(struct fixture *f)
{
    gate_windows_clear(&f->windows);
    gate_windows_init(&f->windows, &f->run, &f->roster, &f->history);
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
        gate_windows_draw(&f.windows, 120, counts, first);
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
        gate_windows_draw(&f.windows, 200, counts, first);
        for (int s = 0; s < 2; s++) {
            assert_int_equal(counts[s], 100);
            // 100 and 100 of 256, 56 passed over; ten times 100 of 1000
            uint64_t left = f.gate[s] - next[s] % f.gate[s];
            uint64_t expected = next[s] + (left < 100 ? left : 0);
            assert_int_equal(first[s], expected);
            assert_int_equal(first[s] / f.gate[s], (first[s] + 99) / f.gate[s]);
            next[s] = first[s] + 100;
        }
    }
    assert_int_equal(next[0], 19 * 256 + 200);
    assert_int_equal(next[1], 4000);
    fixture_clear(&f);
}

static void what_the_pairs_of_the_history_have_read_is_read(void **state)
{
    (void)state;
    struct fixture f;
    Trireme__Plan plan = TRIREME__PLAN__INIT;
    plan.windows = 200;
    struct entry entries[] = {
        {.number = 1, .forward = {.plan = &plan, .n_pairs = 3}, .reverse = {.plan = &plan}},
        {.number = 2,
         .forward = {.plan = &plan, .n_pairs = 1},
         .reverse = {.plan = &plan, .n_pairs = 1}                                         },
    };
    fixture_init(&f, "gate.weights=[1,1]");
    f.history = (struct history){.entries = entries, .n = 2};
    begin(&f);
    assert_int_equal(f.windows.taken[0], 256 * 2 + 100);
    assert_int_equal(f.windows.taken[1], 500);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_operators_weights_judge_and_not_the_mixtures),
        cmocka_unit_test(each_part_of_each_weighted_source_must_have_its_least_windows),
        cmocka_unit_test(no_slice_reads_a_window_twice_and_all_are_read_before_any_again),
        cmocka_unit_test(what_the_pairs_of_the_history_have_read_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
