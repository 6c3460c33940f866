#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "worker/prepare/bigram.h"
#include "worker/prepare/token_writer.h"

#include <math.h>

static double nats_of(const char *text, const Trireme__Range *ranges, size_t n)
{
    char *folder = test_folder_new(), *path = file_join(folder, "val_000000.bin");
    struct err err;
    struct token_writer writer;
    struct token_file file;
    assert_int_equal(token_writer_open(&writer, folder, folder, "val", strlen(text), 1000, 2, &err),
                     0);
    assert_int_equal(
        token_writer_put_bytes(&writer, 0, (const unsigned char *)text, strlen(text), &err), 0);
    token_writer_clear(&writer);
    assert_int_equal(token_file_open(&file, path, TRIREME__SOURCE__FORMAT__auto, &err), 0);
    Trireme__Range copies[4], *pointers[4];
    for (size_t i = 0; i < n; i++) {
        copies[i] = ranges[i];
        pointers[i] = &copies[i];
    }
    double nats = bigram_nats(&file, 1, pointers, n);
    token_file_close(&file);
    free(path);
    test_folder_free(folder);
    return nats;
}

/* aabab: pairs aa, ab, ba, ab. After a (3 times): a 1/3, b 2/3; after b (once): a. H = (3 h(1/3) +
 * 0) / 4 with h(1/3) = ln 3 - 2/3 ln 2 = 0.636514. */
static void the_entropy_of_a_short_text_is_as_by_hand(void **state)
{
    (void)state;
    const double nats = nats_of("aabab", &(Trireme__Range){.first = 0, .tokens = 5}, 1);
    if (fabs(nats - 0.477386) > 1e-9)
        fail_msg("found %.9g nats, expected 0.477386", nats);
}

/* Ranges ab|ab|aa: after a: b, b, a, each a third of the time; the pairs ba across edges do not
 * count. */
static void pairs_across_an_edge_do_not_count(void **state)
{
    (void)state;
    const Trireme__Range ranges[3] = {
        {.first = 0, .tokens = 2},
        {.first = 2, .tokens = 2},
        {.first = 4, .tokens = 2}
    };
    const double nats = nats_of("ababaa", ranges, 3);
    if (fabs(nats - 0.636514) > 1e-9)
        fail_msg("found %.9g nats, expected 0.636514", nats);
}

static void a_text_that_repeats_has_no_entropy(void **state)
{
    (void)state;
    assert_true(nats_of("abcabcabc", &(Trireme__Range){.first = 0, .tokens = 9}, 1) == 0);
}

static void without_pairs_there_is_no_entropy(void **state)
{
    (void)state;
    assert_true(nats_of("ab", &(Trireme__Range){.first = 1, .tokens = 1}, 1) < 0);
    assert_true(nats_of("ab", NULL, 0) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_entropy_of_a_short_text_is_as_by_hand),
        cmocka_unit_test(pairs_across_an_edge_do_not_count),
        cmocka_unit_test(a_text_that_repeats_has_no_entropy),
        cmocka_unit_test(without_pairs_there_is_no_entropy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
