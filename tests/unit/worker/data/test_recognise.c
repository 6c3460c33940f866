#include "tests/unit/worker/data/data_fixture.h"

#include "base/random.h"
#include "worker/data/recognise.h"
#include "worker/data/token_file.h"

static const Trireme__Source__Format AUTO = TRIREME__SOURCE__FORMAT__auto,
                                     NANOGPT = TRIREME__SOURCE__FORMAT__nanogpt;

static void check_refused(const char *folder, const char *name, Trireme__Source__Format format,
                          size_t vocab, const char *sentence)
{
    char *path = file_join(folder, name);
    struct token_file file;
    struct err err = {0};
    if (token_file_open_for(&file, path, format, vocab, &err) == 0)
        fail_msg("%s was opened, expected: %s", name, sentence);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, path);
    assert_contains(err.text, sentence);
    free(path);
}

/* What begins so, and 200 more bytes of noise, under both formats that read foreign files. */
static void check_named(const char *folder, const void *bytes, size_t size, const char *sentence)
{
    unsigned char all[512];
    assert_true(size + 200 <= sizeof all);
    memcpy(all, bytes, size);
    for (size_t i = 0; i < 200; i++)
        all[size + i] = (unsigned char)(random_u64(7, i) >> 56);
    must_write_in(folder, "train.bin", all, size + 200);
    check_refused(folder, "train.bin", AUTO, 256, sentence);
    check_refused(folder, "train.bin", NANOGPT, 256, sentence);
}

#define check_begins(folder, text, sentence) check_named(folder, text, sizeof(text) - 1, sentence)

static void compressed_files_and_archives_are_named(void **state)
{
    check_begins(*state, "\x1f\x8b\x08\x00\x12\x34\x56\x78\x02\x03", "compressed by gzip");
    check_begins(*state, "\x28\xb5\x2f\xfd\x24", "compressed by zstd");
    check_begins(*state, "PK\x03\x04\x14", "an archive of zip");
    check_begins(*state, "BZh91AY&SY", "compressed by bzip2");
}

static void tables_and_pointers_are_named_with_what_to_do(void **state)
{
    check_begins(*state, "ARROW1\0\0\xff\xff", "a table of Apache Arrow");
    check_begins(*state, "\xff\xff\xff\xff\x20\0\0\0\x10\0\0\0", "a stream of Apache Arrow");
    check_begins(*state, "LITPKDS\x01", "a packed dataset of litgpt");
    check_begins(*state, "MMIDIDX\0\0\x01", "give the .bin that stands beside it");
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\n"
                                  "oid sha256:0123456789abcdef\nsize 12345\n";
    must_write_in(*state, "train.bin", pointer, sizeof pointer - 1);
    check_refused(*state, "train.bin", NANOGPT, 256, "`git lfs pull` fetches it");
}

static void parquet_is_named_by_both_its_ends(void **state)
{
    char bytes[64] = "PAR1";
    memcpy(bytes + 60, "PAR1", 4);
    must_write_in(*state, "train.bin", bytes, sizeof bytes);
    check_refused(*state, "train.bin", NANOGPT, 256, "a table of Apache Parquet");
}

static void text_and_json_are_named(void **state)
{
    static const char text[] = "It was the best of times, it was the wörst of times.\n",
                      json[] = "\n {\"text\": \"It was the best of times\", \"id\": 1}\n";
    must_write_in(*state, "train.bin", text, sizeof text - 1);
    check_refused(*state, "train.bin", NANOGPT, 256, "found text, expected tokens");
    check_refused(*state, "train.bin", AUTO, 256, "`trireme data prepare`");
    must_write_in(*state, "train.bin", json, sizeof json - 1);
    check_refused(*state, "train.bin", NANOGPT, 256, "found JSON, expected tokens");
}

static void a_chunk_that_an_index_names_is_refused_and_another_file_is_not(void **state)
{
    static const char index[] = "{\"chunks\": [{\"chunk_bytes\": 4, \"filename\": \"c-0-0.bin\"}]}";
    uint16_t tokens[100];
    for (size_t i = 0; i < 100; i++)
        tokens[i] = (uint16_t)(200 + i);
    must_write_in(*state, "index.json", index, sizeof index - 1);
    must_write_in(*state, "c-0-0.bin", tokens, sizeof tokens);
    must_write_in(*state, "other.bin", tokens, sizeof tokens);
    check_refused(*state, "c-0-0.bin", NANOGPT, 1000, "a chunk of litdata");
    char *path = file_join(*state, "other.bin");
    struct token_file file;
    struct err err;
    assert_int_equal(token_file_open_for(&file, path, NANOGPT, 1000, &err), 0);
    token_file_close(&file);
    free(path);
}

/* 20,000 files of noise, as tokens of a large vocabulary are. */
static void no_run_of_tokens_is_recognised_by_chance(void **state)
{
    (void)state;
    uint16_t tokens[256];
    for (uint64_t round = 0; round < 20000; round++) {
        for (size_t i = 0; i < 256; i++)
            tokens[i] = (uint16_t)(random_u64(round, i) % 50257);
        const struct recognised is = recognise_bytes((const unsigned char *)tokens, sizeof tokens);
        if (is.what)
            fail_msg("round %llu: %s", (unsigned long long)round, is.what);
    }
}

static void write_headerless(const char *folder, uint32_t base, size_t width)
{
    unsigned char bytes[4 * 2000];
    for (uint32_t i = 0; i < 2000; i++) {
        const uint32_t token = base + i;
        memcpy(bytes + i * width, &token, width);
    }
    must_write_in(folder, "train.bin", bytes, 2000 * width);
}

static void headerless_tokens_have_32_bits_where_the_vocabulary_needs_them(void **state)
{
    write_headerless(*state, 70000, 4);
    char *path = file_join(*state, "train.bin");
    struct token_file file;
    struct err err;
    int32_t tokens[2];
    assert_int_equal(token_file_open_for(&file, path, NANOGPT, 100000, &err), 0);
    assert_int_equal(file.n_tokens, 2000);
    assert_int_equal(token_file_read(&file, tokens, 1998, 2, 100000, &err), 0);
    assert_int_equal(tokens[1], 71999);
    token_file_close(&file);
    write_headerless(*state, 300, 2);
    assert_int_equal(token_file_open_for(&file, path, NANOGPT, 65536, &err), 0);
    assert_int_equal(file.n_tokens, 2000);
    token_file_close(&file);
    free(path);
    must_write_in(*state, "train.bin", "abcdef", 6);
    check_refused(*state, "train.bin", NANOGPT, 65537,
                  "found 6 bytes, expected a multiple of four");
}

static void tokens_of_which_each_second_half_is_empty_are_refused(void **state)
{
    write_headerless(*state, 300, 4);
    check_refused(*state, "train.bin", NANOGPT, 50257, "these are 32-bit tokens");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(compressed_files_and_archives_are_named),
        test_in_folder(tables_and_pointers_are_named_with_what_to_do),
        test_in_folder(parquet_is_named_by_both_its_ends),
        test_in_folder(text_and_json_are_named),
        test_in_folder(a_chunk_that_an_index_names_is_refused_and_another_file_is_not),
        cmocka_unit_test(no_run_of_tokens_is_recognised_by_chance),
        test_in_folder(headerless_tokens_have_32_bits_where_the_vocabulary_needs_them),
        test_in_folder(tokens_of_which_each_second_half_is_empty_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
