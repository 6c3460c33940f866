#include "tests/unit/worker/data/data_fixture.h"

#include "worker/data/token_file.h"

static const Trireme__Source__Format AUTO = TRIREME__SOURCE__FORMAT__auto,
                                     NANOGPT = TRIREME__SOURCE__FORMAT__nanogpt;
enum { N = 300 };

/* A file of that version and dictionary, and `size` bytes of numbers. */
static void write_npy(const char *folder, unsigned char version, const char *dictionary,
                      const void *numbers, size_t size)
{
    unsigned char bytes[8192] = "\x93NUMPY";
    bytes[6] = version;
    const size_t width = version == 1 ? 2 : 4, length = strlen(dictionary) + 1;
    memcpy(bytes + 8, &length, width);
    memcpy(bytes + 8 + width, dictionary, length - 1);
    bytes[8 + width + length - 1] = '\n';
    memcpy(bytes + 8 + width + length, numbers, size);
    must_write_in(folder, "a.npy", bytes, 8 + width + length + size);
}

static void check_reads(const char *folder, Trireme__Source__Format format)
{
    char *path = file_join(folder, "a.npy");
    struct token_file file;
    struct err err = {0};
    int32_t tokens[N];
    if (token_file_open(&file, path, format, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(file.n_tokens, N);
    assert_int_equal(token_file_read(&file, tokens, 0, N, 1000, &err), 0);
    for (int i = 0; i < N; i++)
        assert_int_equal(tokens[i], 500 + i);
    token_file_close(&file);
    free(path);
}

static void check_refused(const char *folder, const char *sentence)
{
    char *path = file_join(folder, "a.npy");
    for (Trireme__Source__Format format = AUTO; format <= NANOGPT; format++) {
        struct token_file file;
        struct err err = {0};
        assert_int_equal(token_file_open(&file, path, format, &err), -1);
        assert_int_equal(err.code, ERR_DATA);
        if (format != TRIREME__SOURCE__FORMAT__llmc)
            assert_contains(err.text, sentence);
    }
    free(path);
}

static void whole_numbers_of_each_width_are_read_under_each_version(void **state)
{
    static const char *const types[] = {"<u2", "<i2", "<u4", "<i4", "<u8", "<i8"};
    for (size_t t = 0; t < 6; t++)
        for (unsigned char version = 1; version <= 3; version++) {
            const size_t width = (size_t)(types[t][2] - '0');
            unsigned char numbers[N * 8];
            for (uint64_t i = 0; i < N; i++) {
                const uint64_t token = 500 + i;
                memcpy(numbers + i * width, &token, width);
            }
            char *dictionary =
                mem_format("{'descr': '%s', 'fortran_order': False, 'shape': (300,), }%s", types[t],
                           t % 2 ? "   " : "");
            write_npy(*state, version, dictionary, numbers, N * width);
            free(dictionary);
            check_reads(*state, AUTO);
            check_reads(*state, NANOGPT);
        }
}

static void other_types_and_shapes_are_refused_with_what_they_are(void **state)
{
    static const unsigned char numbers[N * 8];
    write_npy(*state, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (300,), }", numbers,
              N * 4);
    check_refused(*state, "found a NumPy array of type <f4");
    write_npy(*state, 1, "{'descr': '>u2', 'fortran_order': False, 'shape': (300,), }", numbers,
              N * 2);
    check_refused(*state, "type >u2, expected one of little-endian whole numbers");
    write_npy(*state, 1, "{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (300,), }",
              numbers, N * 2);
    check_refused(*state, "type several fields");
    write_npy(*state, 1, "{'descr': '<u2', 'fortran_order': False, 'shape': (30, 10), }", numbers,
              N * 2);
    check_refused(*state, "of shape (30, 10), expected one dimension");
    write_npy(*state, 1, "{'descr': '<u2', 'fortran_order': False, 'shape': (), }", numbers, 2);
    check_refused(*state, "of shape (), expected one dimension");
}

static void damaged_headers_and_sizes_are_refused(void **state)
{
    static const unsigned char numbers[N * 8];
    write_npy(*state, 1, "{'descr': '<u2', 'fortran_order': False, 'shape': (300,), }", numbers,
              N * 2 - 1);
    check_refused(*state, "found 599 bytes after NumPy's header, expected 300 numbers of 2");
    write_npy(*state, 1, "{'descr': '<u2', 'fortran_order': False, 'shape': (0,), }", numbers, 0);
    check_refused(*state, "found 0 tokens");
    write_npy(*state, 1, "{'descr': '<u2', 'shape': (99999999999999999999999,), }", numbers, 0);
    check_refused(*state, "of shape (99999999999999999999999,)");
    write_npy(*state, 1, "{'descr': '<u2'}", numbers, 0);
    check_refused(*state, "without a shape");
    static const char *const damaged[] = {
        "{'descr': '<u2', 'fortran_order': Fblse, 'shape': (300,), }",
        "{'descr': '<u2', 'shape': (300,), }",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (300,), 'more': 1}",
        "['descr': '<u2', 'fortran_order': False, 'shape': (300,), }",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (300,), } x",
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        write_npy(*state, 1, damaged[i], numbers, N * 2);
        check_refused(*state, "found a damaged NumPy header");
    }
    write_npy(*state, 4, "{'descr': '<u2', 'shape': (300,), }", numbers, N * 2);
    check_refused(*state, "found version 4 of NumPy's format");
    must_write_in(*state, "a.npy", "\x93NUMPY\x01\x00\x40", 9);
    check_refused(*state, "truncated: found 9 bytes");
    must_write_in(*state, "a.npy", "\x93NUMPY\x01\x00\x40\x00{'descr'", 18);
    check_refused(*state, "expected a NumPy header of 64");
}

static void a_negative_number_is_no_token(void **state)
{
    const int32_t numbers[2] = {3, -1};
    write_npy(*state, 1, "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }", numbers,
              sizeof numbers);
    char *path = file_join(*state, "a.npy");
    struct token_file file;
    struct err err = {0};
    int32_t tokens[2];
    assert_int_equal(token_file_open(&file, path, AUTO, &err), 0);
    assert_int_equal(token_file_read(&file, tokens, 0, 2, 256, &err), -1);
    assert_contains(err.text, "token 1 is 4294967295, expected one below the vocabulary of 256");
    token_file_close(&file);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(whole_numbers_of_each_width_are_read_under_each_version),
        test_in_folder(other_types_and_shapes_are_refused_with_what_they_are),
        test_in_folder(damaged_headers_and_sizes_are_refused),
        test_in_folder(a_negative_number_is_no_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
