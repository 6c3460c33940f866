#include "tests/unit/worker/data/data_fixture.h"

#include "worker/data/token_file.h"

static const Trireme__Source__Format AUTO = TRIREME__SOURCE__FORMAT__auto,
                                     NANOGPT = TRIREME__SOURCE__FORMAT__nanogpt;
enum { SEQUENCES = 3, DOCUMENTS = 3, HEADER = 34, N = 60 };

struct index {
    size_t size;
    unsigned char bytes[256];
};

/* Three sequences of 10, 20 and 30 tokens in two documents. */
static struct index index_of(unsigned char code, size_t width)
{
    static const int32_t lengths[SEQUENCES] = {10, 20, 30};
    static const int64_t documents[DOCUMENTS] = {0, 1, 3};
    const uint64_t version = 1, counts[2] = {SEQUENCES, DOCUMENTS};
    struct index index = {.size = HEADER, .bytes = "MMIDIDX"};
    memcpy(index.bytes + 9, &version, 8);
    index.bytes[17] = code;
    memcpy(index.bytes + 18, counts, 16);
    memcpy(index.bytes + index.size, lengths, sizeof lengths);
    index.size += sizeof lengths;
    int64_t pointer = 0;
    for (int i = 0; i < SEQUENCES; i++) {
        memcpy(index.bytes + index.size, &pointer, 8);
        index.size += 8;
        pointer += lengths[i] * (int64_t)width;
    }
    memcpy(index.bytes + index.size, documents, sizeof documents);
    index.size += sizeof documents;
    return index;
}

static void write_set(const char *folder, const struct index *index, size_t width, size_t n)
{
    unsigned char bytes[N * 8];
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t token = 900 + i;
        memcpy(bytes + i * width, &token, width);
    }
    must_write_in(folder, "text_document.idx", index->bytes, index->size);
    must_write_in(folder, "text_document.bin", bytes, n * width);
}

static void check_reads(const char *folder, Trireme__Source__Format format)
{
    char *path = file_join(folder, "text_document.bin");
    struct token_file file;
    struct err err = {0};
    int32_t tokens[N];
    if (token_file_open(&file, path, format, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(file.n_tokens, N);
    assert_int_equal(token_file_read(&file, tokens, 0, N, 1000, &err), 0);
    for (int i = 0; i < N; i++)
        assert_int_equal(tokens[i], 900 + i);
    token_file_close(&file);
    free(path);
}

static void check_refused(const char *folder, const char *sentence)
{
    static const Trireme__Source__Format formats[] = {AUTO, NANOGPT};
    char *path = file_join(folder, "text_document.bin");
    for (size_t f = 0; f < 2; f++) {
        struct token_file file;
        struct err err = {0};
        assert_int_equal(token_file_open(&file, path, formats[f], &err), -1);
        assert_int_equal(err.code, ERR_DATA);
        assert_contains(err.text, sentence);
    }
    free(path);
}

static void the_tokens_are_read_as_the_index_says(void **state)
{
    static const struct {
        unsigned char code;
        size_t width;
    } types[] = {
        {8, 2},
        {3, 2},
        {4, 4},
        {5, 8}
    };
    for (size_t t = 0; t < 4; t++) {
        struct index index = index_of(types[t].code, types[t].width);
        write_set(*state, &index, types[t].width, N);
        check_reads(*state, AUTO);
        check_reads(*state, NANOGPT);
        index.size += SEQUENCES; // a mode for each sequence
        write_set(*state, &index, types[t].width, N);
        check_reads(*state, AUTO);
    }
}

static void an_index_that_does_not_fit_is_refused(void **state)
{
    struct index index = index_of(4, 4);
    write_set(*state, &index, 4, N - 1);
    check_refused(*state, "found 236 bytes, expected 240 (60 tokens of 4 bytes) as in");
    index.bytes[HEADER] = 11; // the first sequence is longer than its place
    write_set(*state, &index, 4, N);
    check_refused(*state, "sequence 1 begins at byte 40, expected 44");
    index = index_of(4, 4);
    index.size--;
    write_set(*state, &index, 4, N);
    check_refused(*state, "expected those of Megatron's index of 3 sequences and 3 documents");
}

static void damaged_indices_are_refused(void **state)
{
    struct index index = index_of(7, 4);
    write_set(*state, &index, 4, N);
    check_refused(*state, "found tokens of type 7 (float32)");
    index = index_of(99, 4);
    write_set(*state, &index, 4, N);
    check_refused(*state, "found tokens of type 99 (?)");
    index = index_of(4, 4);
    index.bytes[9] = 2;
    write_set(*state, &index, 4, N);
    check_refused(*state, "found version 2 of Megatron's index, expected 1");
    index = index_of(4, 4);
    index.size = 20;
    write_set(*state, &index, 4, N);
    check_refused(*state, "truncated: found 20 bytes, expected Megatron's header of 34");
    index = index_of(4, 4);
    memset(index.bytes + 18, 0xff, 16);
    write_set(*state, &index, 4, N);
    check_refused(*state, "expected those of Megatron's index of 18446744073709551615");
    index = index_of(4, 4);
    memset(index.bytes + HEADER, 0xff, 4);
    write_set(*state, &index, 4, N);
    check_refused(*state, "sequence 0 has -1 tokens");
}

static void an_index_of_somebody_else_is_refused(void **state)
{
    struct index index = {.size = 5, .bytes = "other"};
    write_set(*state, &index, 2, N);
    check_refused(*state, "found other bytes than MMIDIDX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(the_tokens_are_read_as_the_index_says),
        test_in_folder(an_index_that_does_not_fit_is_refused),
        test_in_folder(damaged_indices_are_refused),
        test_in_folder(an_index_of_somebody_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
