#include "tests/unit/support.h"

#include "base/mem.h"
#include "proto/order/permutation.h"

static void check_bijection(uint64_t key, uint64_t n)
{
    unsigned char *seen = mem_new(n, 1);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t image = permutation_at(key, n, i);
        if (image >= n || seen[image])
            fail_msg("n = %llu: index %llu has image %llu, out of range or taken",
                     (unsigned long long)n, (unsigned long long)i, (unsigned long long)image);
        seen[image] = 1;
    }
    free(seen);
}

static void every_small_domain_is_permuted_onto_itself(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 300; n++)
        for (uint64_t key = 0; key < 4; key++)
            check_bijection(key, n);
}

static void larger_domains_are_permuted_onto_themselves(void **state)
{
    (void)state;
    const uint64_t sizes[] = {1023, 1024, 1025, 4096, 4097, 65536, 65537, 100003};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_bijection(7, sizes[i]);
}

static void images_stay_below_the_largest_domain(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        assert_true(permutation_at(i, PERMUTATION_MAX, PERMUTATION_MAX - 1 - i) < PERMUTATION_MAX);
        assert_true(permutation_at(i, ((uint64_t)1 << 40) + 1, (uint64_t)1 << 40) <= (uint64_t)1
                                                                                         << 40);
    }
}

/* Two random permutations of n agree in one place on average. */
static void keys_give_different_permutations(void **state)
{
    (void)state;
    const uint64_t n = 5000;
    for (uint64_t key = 0; key < 10; key++) {
        size_t equal = 0, fixed = 0;
        for (uint64_t i = 0; i < n; i++) {
            equal += permutation_at(key, n, i) == permutation_at(key + 1, n, i);
            fixed += permutation_at(key, n, i) == i;
        }
        if (equal > 10 || fixed > 10)
            fail_msg("key %llu: %zu images as with the next key, %zu fixed points, expected about "
                     "1 of each",
                     (unsigned long long)key, equal, fixed);
    }
}

/* Over many keys each index of a small domain meets each image equally often: chi-square with 15 *
 * 15 degrees of freedom has mean 225 and deviation 21. */
static void small_domains_are_mixed_evenly(void **state)
{
    (void)state;
    enum { N = 16, KEYS = 20000 };
    static int counts[N][N];
    for (uint64_t key = 0; key < KEYS; key++)
        for (uint64_t i = 0; i < N; i++)
            counts[i][permutation_at(permutation_key(key, "text", 0), N, i)]++;
    double square = 0, expected = (double)KEYS / N;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            square += (counts[i][j] - expected) * (counts[i][j] - expected) / expected;
    if (square > 225 + 6 * 21)
        fail_msg("chi-square is %g, expected about 225", square);
}

static void epochs_sources_and_seeds_have_keys_of_their_own(void **state)
{
    (void)state;
    uint64_t key = permutation_key(1, "code", 0);
    assert_true(key == permutation_key(1, "code", 0));
    assert_true(key != permutation_key(1, "code", 1));
    assert_true(key != permutation_key(1, "prose", 0));
    assert_true(key != permutation_key(2, "code", 0));
}

/* A checkpoint of one version of the program continues with the samples of another. */
static void the_order_never_changes(void **state)
{
    (void)state;
    const uint64_t expected[10] = {6, 2, 5, 9, 1, 3, 0, 7, 8, 4};
    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(permutation_at(permutation_key(1337, "code", 3), 10, i), expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_domain_is_permuted_onto_itself),
        cmocka_unit_test(larger_domains_are_permuted_onto_themselves),
        cmocka_unit_test(images_stay_below_the_largest_domain),
        cmocka_unit_test(keys_give_different_permutations),
        cmocka_unit_test(small_domains_are_mixed_evenly),
        cmocka_unit_test(epochs_sources_and_seeds_have_keys_of_their_own),
        cmocka_unit_test(the_order_never_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
