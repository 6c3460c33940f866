#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "worker/prepare/token_spool.h"

enum { LISTS = 3, PUTS = 40, MOST = 50 };

static void lists_that_are_put_by_turns_are_read_each_as_one(void **state)
{
    struct err err;
    struct token_spool spool;
    struct spool_list lists[LISTS] = {0};
    uint32_t expected[LISTS][PUTS * MOST], got[PUTS * MOST];
    char *out = file_join(*state, "not/there/yet");
    assert_int_equal(token_spool_open(&spool, out, &err), 0);
    for (uint64_t i = 0; i < LISTS * PUTS; i++) {
        struct spool_list *list = &lists[i % LISTS];
        uint32_t *ids = expected[i % LISTS] + list->tokens;
        const size_t n = random_u64(1, i) % MOST;
        for (size_t k = 0; k < n; k++)
            ids[k] = (uint32_t)random_u64(i, k);
        assert_int_equal(token_spool_put(&spool, list, ids, n, &err), 0);
    }
    for (uint64_t i = 0; i < 1000; i++) {
        const struct spool_list *list = &lists[i % LISTS];
        const uint64_t first = random_u64(2, i) % list->tokens,
                       n = 1 + random_u64(3, i) % (list->tokens - first);
        assert_int_equal(token_spool_get(&spool, list, got, first, n, &err), 0);
        assert_memory_equal(got, expected[i % LISTS] + first, n * sizeof *got);
    }
    for (size_t i = 0; i < LISTS; i++)
        spool_list_clear(&lists[i]);
    token_spool_close(&spool);
    free(out);
}

static void nothing_is_left_beside_the_folder(void **state)
{
    struct err err;
    struct token_spool spool;
    struct spool_list list = {0};
    size_t n;
    char *out = file_join(*state, "data");
    assert_int_equal(token_spool_open(&spool, out, &err), 0);
    assert_int_equal(token_spool_put(&spool, &list, (uint32_t[]){1, 2}, 2, &err), 0);
    char **names = file_names(*state, &n, ERR_USAGE, &err);
    assert_int_equal(n, 0);
    file_names_free(names);
    spool_list_clear(&list);
    token_spool_close(&spool);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(lists_that_are_put_by_turns_are_read_each_as_one),
        test_in_folder(nothing_is_left_beside_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
