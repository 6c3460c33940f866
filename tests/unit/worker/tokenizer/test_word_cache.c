#include "tests/unit/support.h"

#include "worker/tokenizer/word_cache.h"
#include "worker/tokenizer/word_hash.h"

enum { WORDS = 1200000 }; /* more than it holds */

static size_t word_of(char word[WORD_CACHE_LONGEST], uint32_t i)
{
    size_t size = (size_t)snprintf(word, WORD_CACHE_LONGEST, "%u", i);
    for (; size < 1 + i % WORD_CACHE_LONGEST; size++)
        word[size] = (char)('a' + i % 7);
    return size;
}

static void gives_back_the_ids_of_a_word_also_after_it_was_full(void **state)
{
    (void)state;
    struct word_cache *cache = word_cache_new();
    char word[WORD_CACHE_LONGEST];
    uint32_t ids[WORD_CACHE_LONGEST];
    size_t known = 0, n;
    for (uint32_t i = 0; i < WORDS; i++) {
        size_t size = word_of(word, i), n_ids = 1 + i % size;
        for (size_t k = 0; k < n_ids; k++)
            ids[k] = i + (uint32_t)k;
        uint64_t hash = word_hash(word, size);
        assert_null(word_cache_find(cache, &n, hash, word, size));
        word_cache_put(cache, hash, word, size, ids, n_ids);
    }
    for (uint32_t i = 0; i < WORDS; i++) {
        size_t size = word_of(word, i);
        const uint32_t *found = word_cache_find(cache, &n, word_hash(word, size), word, size);
        known += found != NULL;
        if (!found)
            continue;
        assert_int_equal(n, 1 + i % size);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(found[k], i + k);
    }
    if (known == 0 || known == WORDS)
        fail_msg("found %zu of %d words, expected some", known, WORDS);
    word_cache_free(cache);
}

static void words_of_one_hash_are_told_apart(void **state)
{
    (void)state;
    struct word_cache *cache = word_cache_new();
    static const uint32_t ids[] = {1, 2};
    size_t n;
    word_cache_put(cache, 5, "ab", 2, &ids[0], 1);
    word_cache_put(cache, 5, "cd", 2, &ids[1], 1);
    assert_int_equal(*word_cache_find(cache, &n, 5, "ab", 2), 1);
    assert_int_equal(*word_cache_find(cache, &n, 5, "cd", 2), 2);
    assert_null(word_cache_find(cache, &n, 5, "ef", 2));
    assert_null(word_cache_find(cache, &n, 5, "abc", 3));
    word_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_the_ids_of_a_word_also_after_it_was_full),
        cmocka_unit_test(words_of_one_hash_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
