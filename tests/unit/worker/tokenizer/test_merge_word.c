#include "tests/unit/support.h"

#include "base/random.h"
#include "worker/tokenizer/merge_word.h"
#include "worker/tokenizer/vocabulary.h"

enum { N_MERGES = 60, WORDS = 2000, LONGEST = 300 };

/* All bytes, and merges at random of tokens that are there. */
static void make(struct vocabulary *vocabulary, uint64_t key)
{
    struct err err;
    *vocabulary = (struct vocabulary){0};
    for (unsigned b = 0; b < 256; b++) {
        unsigned char byte = (unsigned char)b;
        assert_int_equal(vocabulary_add(vocabulary, b, &byte, 1, true, "test", &err), 0);
    }
    for (uint64_t i = 0; vocabulary->n_merges < N_MERGES; i++) {
        uint32_t parts[2], id;
        for (unsigned k = 0; k < 2; k++) {
            uint64_t drawn = random_u64(key, 2 * i + k);
            parts[k] = drawn % 3 == 0 ? 'a' + (uint32_t)(drawn >> 8) % 4
                                      : 256 + (uint32_t)(drawn >> 8) % N_MERGES;
        }
        if (parts[0] >= vocabulary->n || parts[1] >= vocabulary->n)
            continue;
        char bytes[64];
        const struct token *left = &vocabulary->tokens[parts[0]],
                           *right = &vocabulary->tokens[parts[1]];
        size_t size = left->size + right->size;
        if (size > 12)
            continue;
        memcpy(bytes, vocabulary->bytes + left->at, left->size);
        memcpy(bytes + left->size, vocabulary->bytes + right->at, right->size);
        size_t left_size = left->size;
        if (vocabulary_find(vocabulary, &id, bytes, size))
            continue;
        id = (uint32_t)vocabulary->n;
        assert_int_equal(vocabulary_add(vocabulary, id, bytes, size, true, "test", &err), 0);
        assert_int_equal(vocabulary_add_merge(vocabulary, bytes, left_size, bytes + left_size,
                                              size - left_size, "test", &err),
                         0);
    }
    assert_int_equal(vocabulary_end(vocabulary, "test", &err), 0);
}

/* As the rule is written: again and again the pair of the lowest rank, the leftmost of equals. */
static size_t merge_naively(uint32_t *ids, const struct vocabulary *vocabulary, const char *word,
                            size_t size)
{
    size_t n = size;
    for (size_t i = 0; i < size; i++)
        ids[i] = (unsigned char)word[i];
    for (;;) {
        size_t best = n;
        uint32_t best_rank = MERGE_NONE, best_id = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            uint32_t id = 0, rank = vocabulary_merge(vocabulary, &id, ids[i], ids[i + 1]);
            if (rank < best_rank) {
                best = i;
                best_rank = rank;
                best_id = id;
            }
        }
        if (best == n)
            return n;
        ids[best] = best_id;
        for (size_t i = best + 1; i + 1 < n; i++)
            ids[i] = ids[i + 1];
        n--;
    }
}

static void short_and_long_words_are_merged_by_rank_from_the_left(void **state)
{
    (void)state;
    struct merge_space space = {0};
    for (uint64_t w = 0; w < WORDS; w++) {
        struct vocabulary vocabulary;
        if (w % 100 == 0)
            make(&vocabulary, w);
        char word[LONGEST];
        uint32_t found[LONGEST], expected[LONGEST];
        size_t size = 1 + random_u64(w, 0) % (w % 2 ? 70 : LONGEST);
        uint64_t letters = 1 + random_u64(w, 1) % 4;
        for (size_t i = 0; i < size; i++)
            word[i] = (char)('a' + random_u64(w, 2 + i) % letters);
        size_t n = merge_word(&space, found, &vocabulary, word, size);
        size_t m = merge_naively(expected, &vocabulary, word, size);
        for (size_t i = 0; i < n && i < m; i++)
            if (found[i] != expected[i])
                fail_msg("word %d of %zu bytes, token %zu: found %u, expected %u", (int)w, size, i,
                         found[i], expected[i]);
        assert_int_equal(n, m);
        if (w % 100 == 99)
            vocabulary_clear(&vocabulary);
    }
    merge_space_clear(&space);
}

static void a_merge_that_comes_again_has_the_later_rank(void **state)
{
    (void)state;
    struct vocabulary vocabulary;
    struct err err;
    uint32_t id;
    make(&vocabulary, 7);
    uint32_t n = (uint32_t)vocabulary.n;
    assert_int_equal(vocabulary_add(&vocabulary, n, "xy", 2, true, "test", &err), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(vocabulary_add_merge(&vocabulary, "x", 1, "y", 1, "test", &err), 0);
    assert_int_equal(vocabulary_merge(&vocabulary, &id, 'x', 'y'), N_MERGES + 1);
    assert_int_equal(id, n);
    vocabulary_clear(&vocabulary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_and_long_words_are_merged_by_rank_from_the_left),
        cmocka_unit_test(a_merge_that_comes_again_has_the_later_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
