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

static void the_parts_have_their_shares(void **state)
{
    (void)state;
    for (uint64_t key = 0; key < 20; key++) {
        double total;
        struct split_unit *units = random_units(2000, key, &total);
        const double val = (double)split_choose(units, 2000, 0.1 * total);
        check_share(val, total, 0.1, 0.001);
        assert_true(val == total - tokens_of(units, 2000, SPLIT_TRAIN));
        check_share(tokens_of(units, 2000, SPLIT_DEV), val, 0.2, 0.02);
        check_share(tokens_of(units, 2000, SPLIT_GATE), val, 0.5, 0.02);
        check_share(tokens_of(units, 2000, SPLIT_SEALED), val, 0.3, 0.02);
        free(units);
    }
}

static void validation_is_spread_over_the_text(void **state)
{
    (void)state;
    double total;
    struct split_unit *units = random_units(2000, 5, &total);
    split_choose(units, 2000, 0.1 * total);
    for (size_t tenth = 0; tenth < 10; tenth++) {
        const struct split_unit *first = &units[tenth * 200];
        double all = 0;
        for (size_t i = 0; i < 200; i++)
            all += (double)first[i].tokens;
        check_share(all - tokens_of(first, 200, SPLIT_TRAIN), all, 0.1, 0.08);
    }
    free(units);
}

static void the_choice_follows_the_hashes_and_not_the_places(void **state)
{
    (void)state;
    enum { N = 500 };
    double total;
    struct split_unit *units = random_units(N, 3, &total), *reversed = mem_new(N, sizeof *reversed);
    for (size_t i = 0; i < N; i++)
        reversed[N - 1 - i] = units[i];
    split_choose(units, N, 0.2 * total);
    split_choose(reversed, N, 0.2 * total);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(units[i].part, reversed[N - 1 - i].part);
    free(units);
    free(reversed);
}

static void one_huge_unit_stays_in_training_and_leaves_it_half_of_the_others(void **state)
{
    (void)state;
    double total;
    struct split_unit *units = random_units(101, 9, &total);
    const double others = total - (double)units[50].tokens;
    units[50].tokens = (uint64_t)(20 * others);
    const double val = (double)split_choose(units, 101, 0.1 * 21 * others);
    assert_int_equal(units[50].part, SPLIT_TRAIN);
    check_share(val, others, 0.5, 0.02);
    free(units);
}

static void validation_is_never_empty_and_never_all(void **state)
{
    (void)state;
    for (size_t n = 2; n < 30; n++) {
        double total;
        struct split_unit *units = random_units(n, n, &total);
        assert_true(split_choose(units, n, 1e-6 * total) > 0);
        assert_true((double)split_choose(units, n, 0.9 * total) < total);
        free(units);
    }
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
        cmocka_unit_test(the_choice_follows_the_hashes_and_not_the_places),
        cmocka_unit_test(one_huge_unit_stays_in_training_and_leaves_it_half_of_the_others),
        cmocka_unit_test(validation_is_never_empty_and_never_all),
        cmocka_unit_test(the_first_units_go_to_one_part_each),
        cmocka_unit_test(blocks_cover_the_text_without_a_short_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
