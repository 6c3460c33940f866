#include "tests/unit/support.h"

#include "base/mem.h"
#include "proto/order/mixture.h"

#include <math.h>

enum { MOST_SOURCES = 7, PREFIX = 100000 };
struct mix {
    size_t n;
    double weights[MOST_SOURCES];
};
static const struct mix MIXES[] = {
    {1, {3}                                        },
    {2, {1, 1}                                     },
    {2, {0.7, 0.3}                                 },
    {2, {1, 1e-4}                                  },
    {2, {0, 5}                                     },
    {3, {1, 2, 3}                                  },
    {3, {0.5, 0, 0.5}                              },
    {3, {1e6, 1, 1}                                },
    {7, {1, 1, 1, 1, 1, 1, 1}                      },
    {7, {0.31, 0.05, 0.24, 0.0001, 0.2, 0.13, 0.07}},
    {7, {0, 3, 0, 1, 0, 0, 2}                      },
};
enum { N_MIXES = sizeof MIXES / sizeof *MIXES };

static struct mixture *must_open(const struct mix *mix)
{
    struct err err;
    struct mixture *mixture = mixture_new(mix->weights, mix->n, &err);
    if (!mixture)
        fail_msg("%s", err.text);
    return mixture;
}

static void check_prefixes(const struct mix *mix)
{
    double sum = 0;
    size_t k = 0;
    for (size_t i = 0; i < mix->n; i++) {
        sum += mix->weights[i];
        k += mix->weights[i] > 0;
    }
    const double bound = k > 1 ? 1.0 - 1.0 / (2.0 * (double)k - 2.0) : 0.0;
    const double rounding = PREFIX * 0x1p-32; // shares are multiples of 2^-32
    struct mixture *mixture = must_open(mix);
    uint64_t counts[MOST_SOURCES] = {0};
    for (uint64_t p = 0; p < PREFIX; p++) {
        uint64_t before;
        size_t source = mixture_source(mixture, &before, p);
        assert_true(source < mix->n);
        assert_int_equal(before, counts[source]);
        counts[source]++;
        for (size_t i = 0; i < mix->n; i++) {
            double away = fabs((double)counts[i] - mix->weights[i] / sum * (double)(p + 1));
            if (away > bound + rounding)
                fail_msg("source %zu of %zu after %llu samples: %g away from its share, expected "
                         "at most %g",
                         i, mix->n, (unsigned long long)p + 1, away, bound);
        }
    }
    mixture_free(mixture);
}

static void every_prefix_stays_within_tijdemans_bound(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MIXES; i++)
        check_prefixes(&MIXES[i]);
}

static void a_source_of_weight_zero_gives_nothing(void **state)
{
    (void)state;
    struct mixture *mixture = must_open(&(struct mix){
        3, {0.5, 0, 0.5}
    });
    uint64_t counts[3];
    mixture_counts(mixture, counts, 1001);
    assert_int_equal(counts[1], 0);
    assert_int_equal(counts[0] + counts[2], 1001);
    mixture_free(mixture);
}

/* Positions in any order give what all positions from the start on give. */
static void a_jump_gives_what_a_walk_gives(void **state)
{
    (void)state;
    enum { LENGTH = 300000 };
    const struct mix *mix = &MIXES[9];
    struct mixture *walker = must_open(mix), *jumper = must_open(mix);
    unsigned char *sources = mem_new(LENGTH, 1);
    uint64_t *befores = mem_new(LENGTH, sizeof *befores);
    for (uint64_t p = 0; p < LENGTH; p++)
        sources[p] = (unsigned char)mixture_source(walker, &befores[p], p);
    uint64_t p = 1;
    for (int i = 0; i < 2000; i++) {
        // small jumps in both directions, and some large ones
        p = i % 100 == 0 ? p * 6364136223846793005u % LENGTH
                         : (p + LENGTH + (uint64_t)(i * 37 % 401) - 200) % LENGTH;
        uint64_t before;
        size_t source = mixture_source(jumper, &before, p);
        if (source != sources[p] || before != befores[p])
            fail_msg("sample %llu: source %zu after %llu, expected %d after %llu",
                     (unsigned long long)p, source, (unsigned long long)before, sources[p],
                     (unsigned long long)befores[p]);
    }
    free(sources);
    free(befores);
    mixture_free(walker);
    mixture_free(jumper);
}

static void the_counts_of_all_sources_add_up_to_the_position(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MIXES; m++) {
        struct mixture *mixture = must_open(&MIXES[m]);
        for (uint64_t p = 0; p < 3000; p += 7) {
            uint64_t counts[MOST_SOURCES], sum = 0;
            mixture_counts(mixture, counts, p);
            for (size_t i = 0; i < MIXES[m].n; i++)
                sum += counts[i];
            assert_int_equal(sum, p);
        }
        mixture_free(mixture);
    }
}

static void positions_of_any_size_do_not_overflow(void **state)
{
    (void)state;
    struct mixture *mixture = must_open(&(struct mix){
        3, {1, 2, 1}
    }); // repeats after four samples
    const uint64_t far = (uint64_t)1 << 62;
    uint64_t counts[3], before, near_before;
    mixture_counts(mixture, counts, far);
    assert_true(counts[0] == far / 4 && counts[1] == far / 2 && counts[2] == far / 4);
    for (uint64_t p = 0; p < 8; p++) {
        size_t source = mixture_source(mixture, &before, far + p);
        assert_int_equal(source, mixture_source(mixture, &near_before, p));
        assert_true(before == near_before + (source == 1 ? far / 2 : far / 4));
    }
    mixture_free(mixture);
}

static void proportional_weights_are_equal(void **state)
{
    (void)state;
    struct mixture *a = must_open(&(struct mix){
                       2, {1, 3}
    }),
                   *b = must_open(&(struct mix){2, {7, 21}});
    struct mixture *c = must_open(&(struct mix){
        2, {3, 1}
    });
    assert_true(mixture_equal(a, b));
    assert_false(mixture_equal(a, c));
    mixture_free(a);
    mixture_free(b);
    mixture_free(c);
}

static void check_refused(const struct mix *mix, const char *sentence)
{
    struct err err = {0};
    assert_null(mixture_new(mix->weights, mix->n, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, sentence);
}

static void weights_that_are_none_are_refused(void **state)
{
    (void)state;
    check_refused(
        &(struct mix){
            2, {0, 0}
    },
        "the weights of all 2 sources are zero, expected one above zero");
    check_refused(
        &(struct mix){
            2, {1, -1}
    },
        "weight of source 1: found -1, expected a number from 0 up");
    check_refused(&(struct mix){1, {NAN}}, "weight of source 0: found");
    check_refused(&(struct mix){1, {INFINITY}}, "weight of source 0: found inf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix_stays_within_tijdemans_bound),
        cmocka_unit_test(a_source_of_weight_zero_gives_nothing),
        cmocka_unit_test(a_jump_gives_what_a_walk_gives),
        cmocka_unit_test(the_counts_of_all_sources_add_up_to_the_position),
        cmocka_unit_test(positions_of_any_size_do_not_overflow),
        cmocka_unit_test(proportional_weights_are_equal),
        cmocka_unit_test(weights_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
