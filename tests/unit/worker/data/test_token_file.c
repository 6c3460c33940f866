#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "worker/data/token_file.h"

static const Trireme__Source__Format AUTO = TRIREME__SOURCE__FORMAT__auto,
                                     LLMC = TRIREME__SOURCE__FORMAT__llmc,
                                     NANOGPT = TRIREME__SOURCE__FORMAT__nanogpt;

struct fixture {
    char *folder, *path;
};

static int set_up(void **state)
{
    struct fixture *f = mem_new(1, sizeof *f);
    f->folder = test_folder_new();
    f->path = file_join(f->folder, "train.bin");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    free(f->path);
    test_folder_free(f->folder);
    free(f);
    return 0;
}

static void write_bytes(const struct fixture *f, const void *bytes, size_t size)
{
    must_write(f->path, bytes, size);
}

/* An llm.c file of n tokens 0, 1, 2, .. with room for changes; *size: its size. */
static unsigned char *llmc_bytes(size_t *size, int32_t magic, int32_t version, size_t width,
                                 int32_t n)
{
    *size = TOKEN_HEADER_BYTES + (size_t)n * width;
    unsigned char *bytes = mem_new(*size, 1);
    const int32_t head[3] = {magic, version, n};
    memcpy(bytes, head, sizeof head);
    for (int32_t i = 0; i < n; i++)
        memcpy(bytes + TOKEN_HEADER_BYTES + (size_t)i * width, &i, width);
    return bytes;
}

static void write_llmc(const struct fixture *f, int32_t magic, int32_t version, size_t width,
                       int32_t n)
{
    size_t size;
    unsigned char *bytes = llmc_bytes(&size, magic, version, width, n);
    write_bytes(f, bytes, size);
    free(bytes);
}

static void check_opens(const struct fixture *f, Trireme__Source__Format format, uint64_t n)
{
    struct token_file file;
    struct err err;
    if (token_file_open(&file, f->path, format, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(file.n_tokens, n);
    int32_t *tokens = mem_new(n, sizeof *tokens);
    assert_int_equal(token_file_read(&file, tokens, 0, n, n, &err), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(tokens[i], i);
    assert_int_equal(token_file_read(&file, tokens, n - 1, 1, n, &err), 0);
    assert_int_equal(tokens[0], n - 1);
    free(tokens);
    token_file_close(&file);
}

static void check_refused(const struct fixture *f, Trireme__Source__Format format,
                          const char *sentence)
{
    struct token_file file;
    struct err err = {0};
    assert_int_equal(token_file_open(&file, f->path, format, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, sentence);
    assert_contains(err.text, f->path);
}

static void both_versions_of_llmc_files_are_read(void **state)
{
    write_llmc(*state, 20240520, 1, 2, 700);
    check_opens(*state, AUTO, 700);
    check_opens(*state, LLMC, 700);
    write_llmc(*state, 20240801, 7, 4, 70000);
    check_opens(*state, AUTO, 70000);
}

static void a_headerless_file_is_read_where_the_format_is_said(void **state)
{
    uint16_t tokens[900];
    for (size_t i = 0; i < 900; i++)
        tokens[i] = (uint16_t)i;
    write_bytes(*state, tokens, sizeof tokens);
    check_opens(*state, NANOGPT, 900);
    check_refused(*state, AUTO, "a headerless file of 16-bit tokens needs `format: nanogpt`");
    check_refused(*state, LLMC, "expected llm.c's 20240520 or 20240801");
}

static void a_missing_file_is_named(void **state)
{
    check_refused(*state, AUTO, "cannot open: No such file or directory");
}

static void a_truncated_file_is_refused_with_both_sizes(void **state)
{
    size_t size;
    unsigned char *bytes = llmc_bytes(&size, 20240520, 1, 2, 100);
    write_bytes(*state, bytes, size - 1);
    check_refused(*state, AUTO, "truncated: found 1223 bytes, expected 1224 for its 100 tokens");
    write_bytes(*state, bytes, 1000);
    check_refused(*state, AUTO, "truncated: found 1000 bytes, expected a header of 1024");
    write_bytes(*state, bytes, 3);
    check_refused(*state, AUTO,
                  "found 3 bytes, expected an llm.c token file with a header of 1024");
    write_bytes(*state, bytes, 0);
    check_refused(*state, AUTO,
                  "found 0 bytes, expected an llm.c token file with a header of 1024");
    free(bytes);
}

static void a_file_longer_than_its_header_says_is_refused(void **state)
{
    size_t size;
    unsigned char *bytes = llmc_bytes(&size, 20240520, 1, 2, 100);
    bytes[8] = 99;
    write_bytes(*state, bytes, size);
    check_refused(*state, AUTO, "too long: found 1224 bytes, expected 1222 for its 99 tokens");
    free(bytes);
}

static void wrong_magic_version_and_count_are_refused(void **state)
{
    write_llmc(*state, 20240522, 1, 2, 100);
    check_refused(*state, AUTO, "found magic number 20240522");
    write_llmc(*state, 20240520, 2, 2, 100);
    check_refused(*state, AUTO, "found version 2 of llm.c's token format, expected 1");
    write_llmc(*state, 20240801, 1, 4, 100);
    check_refused(*state, AUTO, "found version 1 of llm.c's token format, expected 7");
    write_llmc(*state, 20240520, 1, 2, 0);
    check_refused(*state, AUTO, "its header says 0 tokens, expected at least one");
    size_t size;
    unsigned char *bytes = llmc_bytes(&size, 20240520, 1, 2, 100);
    bytes[11] = 0x80;
    write_bytes(*state, bytes, size);
    check_refused(*state, AUTO, "its header says -2147483548 tokens, expected at least one");
    free(bytes);
}

static void headerless_files_that_are_none_are_refused(void **state)
{
    write_bytes(*state, "abc", 3);
    check_refused(*state, NANOGPT, "found 3 bytes, expected an even number (16-bit tokens)");
    write_bytes(*state, "", 0);
    check_refused(*state, NANOGPT, "found 0 tokens, expected at least one");
    write_llmc(*state, 20240520, 1, 2, 100);
    check_refused(*state, NANOGPT,
                  "found llm.c's header, expected none with `format: nanogpt`; use `format: llmc`");
}

static void a_folder_is_no_token_file(void **state)
{
    const struct fixture *f = *state;
    struct token_file file;
    struct err err = {0};
    assert_int_equal(token_file_open(&file, f->folder, AUTO, &err), -1);
    assert_contains(err.text, "expected a regular file");
}

static void a_token_beyond_the_vocabulary_is_named(void **state)
{
    const struct fixture *f = *state;
    write_llmc(f, 20240801, 7, 4, 300);
    struct token_file file;
    struct err err = {0};
    int32_t tokens[300] = {-1};
    assert_int_equal(token_file_open(&file, f->path, AUTO, &err), 0);
    assert_int_equal(token_file_read(&file, tokens, 0, 257, 256, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "token 256 is 256, expected one below the vocabulary of 256");
    assert_int_equal(tokens[0], -1);
    assert_int_equal(token_file_read(&file, tokens, 0, 256, 256, &err), 0);
    token_file_close(&file);
}

/* Under the sanitizers a read outside the map ends the test. */
static void damaged_files_never_lead_outside_the_map(void **state)
{
    const struct fixture *f = *state;
    enum { N = 64 };
    uint64_t opened = 0;
    for (uint64_t round = 0; round < 3000; round++) {
        size_t size;
        const bool wide = round % 2;
        unsigned char *bytes =
            wide ? llmc_bytes(&size, 20240801, 7, 4, N) : llmc_bytes(&size, 20240520, 1, 2, N);
        for (uint64_t change = 0; change < round % 4; change++) {
            const uint64_t random = random_u64(round, change);
            bytes[random % (random >> 60 ? 12 : size)] = (unsigned char)(random >> 32);
        }
        if (round % 5 == 0)
            size = random_u64(round, 99) % (size + 1);
        FILE *out = fopen(f->path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(bytes, 1, size, out), size);
        fclose(out);
        free(bytes);
        for (Trireme__Source__Format format = AUTO; format <= NANOGPT; format++) {
            struct token_file file;
            struct err err = {0};
            if (token_file_open(&file, f->path, format, &err) < 0) {
                assert_int_equal(err.code, ERR_DATA);
                continue;
            }
            opened++;
            int32_t *tokens = mem_new(file.n_tokens, sizeof *tokens);
            token_file_read(&file, tokens, 0, file.n_tokens, 1 << 20, &err);
            token_file_digest(&file);
            free(tokens);
            token_file_close(&file);
        }
    }
    assert_true(opened > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_versions_of_llmc_files_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_headerless_file_is_read_where_the_format_is_said, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_missing_file_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_truncated_file_is_refused_with_both_sizes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_file_longer_than_its_header_says_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(wrong_magic_version_and_count_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(headerless_files_that_are_none_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_folder_is_no_token_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_beyond_the_vocabulary_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_files_never_lead_outside_the_map, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
