#include "tests/unit/worker/data/data_fixture.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "worker/data/source.h"
#include "worker/data/split.h"

enum { CONTEXT = 8, VOCAB = 1 << 20 };

static struct source *must_open(const char *path)
{
    struct err err;
    const Trireme__Source config = source_config("text", path, 1);
    struct source *source = source_open(&config, CONTEXT, VOCAB, &err);
    if (!source)
        fail_msg("%s", err.text);
    return source;
}

static void check_refused(const char *path, const char *sentence)
{
    struct err err = {0};
    const Trireme__Source config = source_config("text", path, 1);
    struct source *source = source_open(&config, CONTEXT, VOCAB, &err);
    if (source)
        fail_msg("%s was opened, expected: %s", path, sentence);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, sentence);
}

/* The window's tokens follow each other: it crosses no edge. Returns the first. */
static int32_t check_window(const int32_t *tokens)
{
    for (int i = 1; i <= CONTEXT; i++)
        assert_int_equal(tokens[i], tokens[0] + i);
    return tokens[0];
}

static void a_single_file_holds_training_samples_at_strides_of_the_context(void **state)
{
    write_tokens(*state, "text.bin", 0, 10 * CONTEXT + 3);
    char *path = file_join(*state, "text.bin");
    struct source *source = must_open(path);
    assert_int_equal(source_train_samples(source), 10);
    assert_int_equal(source_val_samples(source, TRIREME__PART__dev), 0);
    uint64_t bytes;
    assert_false(source_count_bytes(source, &bytes, (const int32_t[]){1}, 1));
    for (uint64_t i = 0; i < 10; i++) {
        int32_t tokens[CONTEXT + 1];
        struct err err;
        assert_int_equal(source_train_sample(source, tokens, i, 0, 1, &err), 0);
        assert_int_equal(check_window(tokens), i * CONTEXT);
    }
    source_free(source);
    free(path);
}

static void a_sample_needs_its_targets_too(void **state)
{
    char *path = file_join(*state, "text.bin");
    write_tokens(*state, "text.bin", 0, 2 * CONTEXT);
    struct source *source = must_open(path);
    assert_int_equal(source_train_samples(source), 1);
    source_free(source);
    write_tokens(*state, "text.bin", 0, CONTEXT);
    check_refused(path, "the longest range of training tokens has 8, expected at least 9");
    free(path);
}

static void shards_are_ranges_in_the_order_of_their_names(void **state)
{
    write_tokens(*state, "my_train_000002.bin", 2000, 5 * CONTEXT);
    write_tokens(*state, "my_train_000001.bin", 1000, 3 * CONTEXT + 1);
    write_tokens(*state, "my_train_000003.bin", 3000, 2);
    struct source *source = must_open(*state);
    assert_int_equal(source_train_samples(source), 3 + 4);
    for (uint64_t i = 0; i < 7; i++) {
        int32_t tokens[CONTEXT + 1];
        struct err err;
        assert_int_equal(source_train_sample(source, tokens, i, 0, 1, &err), 0);
        assert_int_equal(check_window(tokens),
                         i < 3 ? 1000 + i * CONTEXT : 2000 + (i - 3) * CONTEXT);
    }
    source_free(source);
}

/* Each window lies in one block, blocks are whole, and the parts have about a fifth, a half and
 * three tenths of them. */
static void the_parts_of_a_foreign_folder_are_whole_blocks_of_its_validation_file(void **state)
{
    enum { BLOCKS = 40, A_BLOCK = (SPLIT_BLOCK - 1) / CONTEXT };
    static const unsigned expected[SOURCE_VAL_PARTS] = {BLOCKS / 5, BLOCKS / 2, BLOCKS * 3 / 10};
    write_tokens(*state, "train.bin", 0, 100);
    write_tokens(*state, "val.bin", 0, BLOCKS * SPLIT_BLOCK);
    struct source *source = must_open(*state);
    int owner[BLOCKS] = {0};
    for (Trireme__Part part = TRIREME__PART__dev; part <= TRIREME__PART__sealed; part++) {
        const uint64_t samples = source_val_samples(source, part);
        assert_int_equal(samples % A_BLOCK, 0);
        assert_in_range(samples / A_BLOCK, expected[part] - 1, expected[part] + 1);
        uint64_t last_block = 0;
        for (uint64_t i = 0; i < samples; i++) {
            int32_t tokens[CONTEXT + 1];
            struct err err;
            assert_int_equal(source_val_sample(source, tokens, part, i, &err), 0);
            const uint64_t first = (uint64_t)check_window(tokens), block = first / SPLIT_BLOCK;
            assert_int_equal((first + CONTEXT) / SPLIT_BLOCK, block);
            assert_true(block >= last_block && (!owner[block] || owner[block] == (int)part + 1));
            last_block = block;
            owner[block] = (int)part + 1;
        }
    }
    for (size_t i = 0; i < BLOCKS; i++)
        assert_true(owner[i]);
    source_free(source);
}

static void a_small_foreign_validation_file_is_all_dev(void **state)
{
    write_tokens(*state, "train.bin", 0, 100);
    write_tokens(*state, "val.bin", 0, 10 * CONTEXT + 1);
    struct source *source = must_open(*state);
    assert_int_equal(source_val_samples(source, TRIREME__PART__dev), 10);
    source_free(source);
}

/* Writes a prepared folder: 100 training tokens, 60 for validation, dev = 0..20 and 40..60. */
static void write_prepared(const char *folder, const char *yaml)
{
    write_tokens(folder, "t.bin", 0, 100);
    write_tokens(folder, "v.bin", 5000, 60);
    must_write_in(folder, "data.yaml", yaml, strlen(yaml));
}

static const char PREPARED[] = "format: 1\n"
                               "name: text\n"
                               "tokenizer: byte\n"
                               "vocab: 256\n"
                               "train: {file: t.bin, tokens: 100}\n"
                               "val: {file: v.bin, tokens: 60}\n"
                               "dev: [{first: 0, tokens: 20}, {first: 40, tokens: 20}]\n"
                               "gate: [{first: 20, tokens: 15}]\n"
                               "sealed: [{first: 35, tokens: 5}]\n";

/* PREPARED with one part replaced; the caller's. */
static char *exchange(const char *from, const char *to)
{
    const char *at = strstr(PREPARED, from);
    assert_non_null(at);
    return mem_format("%.*s%s%s", (int)(at - PREPARED), PREPARED, to, at + strlen(from));
}

static void a_prepared_folder_says_what_its_parts_are(void **state)
{
    write_prepared(*state, PREPARED);
    struct source *source = must_open(*state);
    assert_int_equal(source_train_samples(source), 99 / CONTEXT);
    assert_int_equal(source_val_samples(source, TRIREME__PART__dev), 4);
    uint64_t bytes;
    assert_true(source_count_bytes(source, &bytes, (const int32_t[]){1, 2, 3}, 3) && bytes == 3);
    const int32_t firsts[4] = {5000, 5008, 5040, 5048};
    for (uint64_t i = 0; i < 4; i++) {
        int32_t tokens[CONTEXT + 1];
        struct err err;
        assert_int_equal(source_val_sample(source, tokens, TRIREME__PART__dev, i, &err), 0);
        assert_int_equal(check_window(tokens), firsts[i]);
    }
    int32_t tokens[CONTEXT + 1];
    struct err err;
    assert_int_equal(source_val_samples(source, TRIREME__PART__gate), 1);
    assert_int_equal(source_val_sample(source, tokens, TRIREME__PART__gate, 0, &err), 0);
    assert_int_equal(check_window(tokens), 5020);
    assert_int_equal(source_val_samples(source, TRIREME__PART__sealed), 0); // shorter than a sample
    source_free(source);
}

static void a_training_sample_can_be_read_in_parts(void **state)
{
    write_tokens(*state, "train.bin", 0, 10 * CONTEXT + 1);
    struct source *source = must_open(*state);
    int32_t whole[CONTEXT + 1], part[CONTEXT + 1];
    struct err err;
    assert_int_equal(source_train_sample(source, whole, 3, 0, 1, &err), 0);
    for (uint32_t parts = 1; parts <= CONTEXT; parts *= 2)
        for (uint32_t i = 0; i < parts; i++) {
            memset(part, 0xff, sizeof part);
            assert_int_equal(source_train_sample(source, part, 3, i, parts, &err), 0);
            const size_t n = CONTEXT / parts;
            assert_memory_equal(part, whole + i * n, (n + 1) * sizeof *part);
            assert_true(parts == 1 || part[n + 1] == -1);
        }
    source_free(source);
}

static void a_data_yaml_that_disagrees_is_refused(void **state)
{
    // clang-format off
    static const struct {
        const char *from, *to, *sentence;
    } cases[] = {
        {"tokens: 100", "tokens: 99", "t.bin: found 100 tokens, expected 99 as in data.yaml"},
        {"tokens: 60", "tokens: 61", "v.bin: found 60 tokens, expected 61 as in data.yaml"},
        {"file: t.bin", "file: no.bin", "no.bin: cannot open: No such file or directory"},
        {"file: t.bin", "file: ../t.bin",
         "train.file: found '../t.bin', expected the name of a file in the folder"},
        {"file: v.bin", "file: /etc/passwd",
         "val.file: found '/etc/passwd', expected the name of a file in the folder"},
        {"train: {file: t.bin, tokens: 100}\n", "", "train.file is missing"},
        {"format: 1", "format: 3", "found format 3, expected 1 to 2"},
        {"vocab: 256", "vocab: 1048577",
         "found a vocabulary of 1048577, expected at most the model's 1048576"},
        {"{first: 40, tokens: 20}", "{first: 40, tokens: 21}",
         "a range of 21 tokens from 40 on, expected it to end within"},
        {"{first: 40, tokens: 20}", "{first: 18446744073709551615, tokens: 2}",
         "expected it to end within the 60"},
        {"{first: 40, tokens: 20}", "{first: 34, tokens: 2}", "two ranges hold token 34"},
        {"tokenizer", "tokeniser", "data.yaml:3"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *yaml = exchange(cases[i].from, cases[i].to);
        write_prepared(*state, yaml);
        check_refused(*state, cases[i].sentence);
        free(yaml);
    }
}

static void a_folder_without_tokens_is_refused_with_a_way_out(void **state)
{
    must_write_in(*state, "readme.txt", "hello", 5);
    write_tokens(*state, "val.bin", 0, 100);
    check_refused(*state, "found neither data.yaml nor a file *train*.bin");
    check_refused(*state, "trireme data prepare");
    char *path = file_join(*state, "nothing");
    check_refused(path, "nothing: cannot open: No such file or directory");
    free(path);
}

static void a_headerless_folder_opens_with_its_format(void **state)
{
    uint16_t tokens[50];
    for (uint16_t i = 0; i < 50; i++)
        tokens[i] = i;
    must_write_in(*state, "train.bin", tokens, sizeof tokens);
    must_write_in(*state, "val.bin", tokens, sizeof tokens);
    check_refused(*state, "needs `format: nanogpt`");
    Trireme__Source config = source_config("text", *state, 1);
    config.format = TRIREME__SOURCE__FORMAT__nanogpt;
    struct err err;
    struct source *source = source_open(&config, CONTEXT, 256, &err);
    assert_non_null(source);
    assert_int_equal(source_train_samples(source), 6);
    assert_int_equal(source_val_samples(source, TRIREME__PART__dev), 6);
    source_free(source);
}

static void damaged_data_yaml_never_crashes(void **state)
{
    write_prepared(*state, PREPARED);
    size_t opened = 0;
    for (uint64_t round = 0; round < 2000; round++) {
        char *yaml = mem_strdup(PREPARED);
        size_t size = strlen(yaml);
        for (uint64_t change = 0; change < 1 + round % 3; change++) {
            const uint64_t random = random_u64(round, change);
            yaml[random % size] =
                random % 3 ? PREPARED[(random >> 20) % size] : (char)((random >> 32) & 127);
        }
        if (round % 7 == 0)
            size = random_u64(round, 50) % size;
        char *path = file_join(*state, "data.yaml");
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(yaml, 1, size, out), size);
        fclose(out);
        free(path);
        free(yaml);
        struct err err = {0};
        const Trireme__Source config = source_config("text", *state, 1);
        struct source *source = source_open(&config, CONTEXT, VOCAB, &err);
        assert_true(source || err.code == ERR_DATA);
        for (uint64_t i = 0; source && i < source_val_samples(source, TRIREME__PART__dev); i++) {
            int32_t tokens[CONTEXT + 1];
            source_val_sample(source, tokens, TRIREME__PART__dev, i, &err);
        }
        opened += source != NULL;
        source_free(source);
    }
    assert_true(opened > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_single_file_holds_training_samples_at_strides_of_the_context),
        test_in_folder(a_sample_needs_its_targets_too),
        test_in_folder(shards_are_ranges_in_the_order_of_their_names),
        test_in_folder(the_parts_of_a_foreign_folder_are_whole_blocks_of_its_validation_file),
        test_in_folder(a_small_foreign_validation_file_is_all_dev),
        test_in_folder(a_prepared_folder_says_what_its_parts_are),
        test_in_folder(a_training_sample_can_be_read_in_parts),
        test_in_folder(a_data_yaml_that_disagrees_is_refused),
        test_in_folder(a_folder_without_tokens_is_refused_with_a_way_out),
        test_in_folder(a_headerless_folder_opens_with_its_format),
        test_in_folder(damaged_data_yaml_never_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
