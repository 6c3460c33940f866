#include "tests/unit/worker/data/data_fixture.h"

#include "base/mem.h"
#include "base/random.h"
#include "worker/data/split.h"

#include <math.h>

/* n units of 500 to 1499 tokens. */
static struct split_unit *random_units(size_t n, uint64_t key, double *total)
{
    struct split_unit *units = mem_new(n, sizeof *units);
    *total = 0;
    for (size_t i = 0; i < n; i++) {
        units[i].tokens = 500 + random_u64(key, i) % 1000;
        units[i].hash = random_u64(key + 1, i);
        *total += (double)units[i].tokens;
    }
    return units;
}

static double tokens_of(const struct split_unit *units, size_t n, enum split_part part)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += units[i].part == part ? (double)units[i].tokens : 0;
    return sum;
}

static size_t units_of(const struct split_unit *units, size_t n, enum split_part part)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += units[i].part == part;
    return count;
}

/* Bounds are four standard deviations of a binomial draw. */
static void the_parts_have_their_shares(void **state)
{
    (void)state;
    enum { N = 20000 };
    for (uint64_t key = 0; key < 5; key++) {
        double total;
        struct split_unit *units = random_units(N, key, &total);
        assert_int_equal(split_choose(units, N, 0.1), 0);
        const double val = total - tokens_of(units, N, SPLIT_TRAIN);
        check_share(val, total, 0.1, 0.009);
        check_share(tokens_of(units, N, SPLIT_DEV), val, 0.2, 0.037);
        check_share(tokens_of(units, N, SPLIT_GATE), val, 0.5, 0.047);
        check_share(tokens_of(units, N, SPLIT_SEALED), val, 0.3, 0.043);
        free(units);
    }
}

static void validation_is_spread_over_the_text(void **state)
{
    (void)state;
    double total;
    struct split_unit *units = random_units(2000, 5, &total);
    split_choose(units, 2000, 0.1);
    for (size_t tenth = 0; tenth < 10; tenth++) {
        const struct split_unit *first = &units[tenth * 200];
        double all = 0;
        for (size_t i = 0; i < 200; i++)
            all += (double)first[i].tokens;
        check_share(all - tokens_of(first, 200, SPLIT_TRAIN), all, 0.1, 0.08);
    }
    free(units);
}

/* Alone, among others, behind others: the same part for the same hash. */
static void a_unit_keeps_its_part_in_whatever_text_it_stands(void **state)
{
    (void)state;
    enum { N = 500, MORE = 900 };
    double total;
    struct split_unit *units = random_units(N, 3, &total),
                      *mixed = mem_new(N + MORE, sizeof *mixed),
                      *others = random_units(MORE, 77, &total);
    for (size_t i = 0; i < N; i++)
        mixed[N + MORE - 1 - i] = units[i];
    for (size_t i = 0; i < MORE; i++)
        mixed[i] = others[i];
    assert_int_equal(split_choose(units, N, 0.2), 0);
    assert_int_equal(split_choose(mixed, N + MORE, 0.2), 0);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(units[i].part, mixed[N + MORE - 1 - i].part);
    free(others);
    free(mixed);
    free(units);
}

static void a_larger_share_keeps_all_that_a_smaller_one_has_set_apart(void **state)
{
    (void)state;
    enum { N = 1000 };
    double total;
    struct split_unit *small = random_units(N, 4, &total), *large = random_units(N, 4, &total);
    split_choose(small, N, 0.1);
    split_choose(large, N, 0.4);
    for (size_t i = 0; i < N; i++)
        if (small[i].part != SPLIT_TRAIN)
            assert_int_equal(small[i].part, large[i].part);
    assert_true(units_of(large, N, SPLIT_TRAIN) < units_of(small, N, SPLIT_TRAIN));
    free(large);
    free(small);
}

static void training_and_dev_are_never_empty(void **state)
{
    (void)state;
    const double shares[] = {1e-6, 0.1, 0.9};
    for (size_t n = 2; n < 30; n++)
        for (size_t s = 0; s < 3; s++) {
            double total;
            struct split_unit *units = random_units(n, n, &total);
            split_choose(units, n, shares[s]);
            assert_true(units_of(units, n, SPLIT_TRAIN) > 0);
            assert_true(units_of(units, n, SPLIT_DEV) > 0);
            free(units);
        }
}

/* With a share of .3 a text of 20 equal units has room for a unit of each part. */
static void a_small_text_has_all_parts_where_its_share_has_room_for_them(void **state)
{
    (void)state;
    for (uint64_t key = 0; key < 200; key++) {
        double total;
        struct split_unit *units = random_units(20, key, &total);
        for (size_t i = 0; i < 20; i++)
            units[i].tokens = 1000;
        split_choose(units, 20, 0.3);
        for (enum split_part part = SPLIT_TRAIN; part < SPLIT_PARTS; part++)
            if (units_of(units, 20, part) == 0)
                fail_msg("key %llu: part %d is empty", (unsigned long long)key, (int)part);
        free(units);
    }
}

/* None is below the share: dev takes the lowest, and nothing else fits into twice the share. */
static void a_part_without_a_unit_takes_the_nearest_and_says_so(void **state)
{
    (void)state;
    struct split_unit units[4] = {
        {.tokens = 10, .hash = UINT64_C(9) << 60},
        {.tokens = 10, .hash = UINT64_C(4) << 60},
        {.tokens = 10, .hash = UINT64_C(3) << 60},
        {.tokens = 10, .hash = UINT64_C(8) << 60}
    };
    assert_int_equal(split_choose(units, 4, 0.1), 1);
    assert_int_equal(units[2].part, SPLIT_DEV);
    assert_int_equal(units_of(units, 4, SPLIT_TRAIN), 3);
}

/* The unit of the lowest hash has 99 % of the text: another one is taken. */
static void a_huge_unit_is_not_what_an_empty_part_takes(void **state)
{
    (void)state;
    struct split_unit units[3] = {
        {.tokens = 5,   .hash = UINT64_C(9) << 60},
        {.tokens = 990, .hash = UINT64_C(4) << 60},
        {.tokens = 5,   .hash = UINT64_C(8) << 60}
    };
    split_choose(units, 3, 0.1);
    assert_int_equal(units[1].part, SPLIT_TRAIN);
    assert_int_equal(units[2].part, SPLIT_DEV);
}

static void the_first_units_go_to_one_part_each(void **state)
{
    (void)state;
    struct split_unit units[3] = {
        {.tokens = 10, .hash = 1},
        {.tokens = 10, .hash = 2},
        {.tokens = 10, .hash = 3}
    };
    split_parts(units, 3);
    assert_int_equal(units[0].part, SPLIT_DEV);
    assert_int_equal(units[1].part, SPLIT_GATE);
    assert_int_equal(units[2].part, SPLIT_SEALED);
}

static void blocks_cover_the_text_without_a_short_one(void **state)
{
    (void)state;
    const uint64_t sizes[] = {1,
                              SPLIT_BLOCK - 1,
                              SPLIT_BLOCK,
                              2 * SPLIT_BLOCK - 1,
                              2 * SPLIT_BLOCK,
                              10 * SPLIT_BLOCK + 7};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n;
        struct split_unit *blocks = split_blocks(&n, sizes[s], 1);
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++) {
            assert_true(n == 1 ||
                        (blocks[i].tokens >= SPLIT_BLOCK && blocks[i].tokens < 2 * SPLIT_BLOCK));
            sum += blocks[i].tokens;
        }
        assert_int_equal(sum, sizes[s]);
        free(blocks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_have_their_shares),
        cmocka_unit_test(validation_is_spread_over_the_text),
        cmocka_unit_test(a_unit_keeps_its_part_in_whatever_text_it_stands),
        cmocka_unit_test(a_larger_share_keeps_all_that_a_smaller_one_has_set_apart),
        cmocka_unit_test(training_and_dev_are_never_empty),
        cmocka_unit_test(a_small_text_has_all_parts_where_its_share_has_room_for_them),
        cmocka_unit_test(a_part_without_a_unit_takes_the_nearest_and_says_so),
        cmocka_unit_test(a_huge_unit_is_not_what_an_empty_part_takes),
        cmocka_unit_test(the_first_units_go_to_one_part_each),
        cmocka_unit_test(blocks_cover_the_text_without_a_short_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
