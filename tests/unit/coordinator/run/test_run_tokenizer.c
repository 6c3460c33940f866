#include "tests/unit/support.h"

#include "base/digest.h"
#include "base/file.h"
#include "coordinator/run/run_tokenizer.h"

/* A vocabulary of two files and what is in them. */
struct sent {
    char hex[2][DIGEST_HEX_SIZE];
    Trireme__TokenizerFile files[2], *list[2];
    Trireme__Vocabulary vocabulary;
    ProtobufCBinaryData bytes[2];
};

static void sent_init(struct sent *sent, const char *vocab, const char *merges)
{
    const char *texts[2] = {vocab, merges};
    trireme__vocabulary__init(&sent->vocabulary);
    for (size_t i = 0; i < 2; i++) {
        sent->bytes[i] = (ProtobufCBinaryData){strlen(texts[i]), (uint8_t *)texts[i]};
        digest_hex(sent->hex[i], digest_of(texts[i], strlen(texts[i])));
        trireme__tokenizer_file__init(&sent->files[i]);
        sent->files[i].file = (char *)(i ? "merges.txt" : "vocab.json");
        sent->files[i].digest = sent->hex[i];
        sent->list[i] = &sent->files[i];
    }
    sent->vocabulary.n_files = 2, sent->vocabulary.files = sent->list;
}

static int keep(const struct sent *sent, const char *run, size_t n, struct err *err)
{
    return run_tokenizer_write(run, &sent->vocabulary, sent->bytes, n, err);
}

static void check_kept(const char *run, const char *vocab, const char *merges)
{
    char *folder = run_tokenizer_folder(run), *a = must_read_in(folder, "vocab.json", NULL),
         *b = must_read_in(folder, "merges.txt", NULL);
    assert_string_equal(a, vocab);
    assert_string_equal(b, merges);
    free(b);
    free(a);
    free(folder);
}

static void files_take_the_place_of_those_before(void **state)
{
    struct err err;
    struct sent sent;
    sent_init(&sent, "{}", "a b");
    assert_int_equal(keep(&sent, *state, 2, &err), 0);
    check_kept(*state, "{}", "a b");
    sent_init(&sent, "{1}", "");
    assert_int_equal(keep(&sent, *state, 2, &err), 0);
    check_kept(*state, "{1}", "");
    size_t n;
    char **names = file_names(*state, &n, ERR_USAGE, &err);
    assert_int_equal(n, 1);
    file_names_free(names);
}

static void what_is_not_the_vocabularys_is_refused_and_the_old_files_stay(void **state)
{
    struct err err;
    struct sent sent;
    sent_init(&sent, "{}", "a b");
    assert_int_equal(keep(&sent, *state, 2, &err), 0);
    assert_int_equal(keep(&sent, *state, 1, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, "found 1 files of the tokenizer, expected 2");
    sent.bytes[1] = (ProtobufCBinaryData){1, (uint8_t *)"b"};
    assert_int_equal(keep(&sent, *state, 2, &err), -1);
    assert_contains(err.text, "merges.txt");
    sent_init(&sent, "{}", "a b");
    sent.files[0].file = (char *)"../vocab.json";
    assert_int_equal(keep(&sent, *state, 2, &err), -1);
    assert_contains(err.text, "../vocab.json");
    check_kept(*state, "{}", "a b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(files_take_the_place_of_those_before),
        test_in_folder(what_is_not_the_vocabularys_is_refused_and_the_old_files_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
