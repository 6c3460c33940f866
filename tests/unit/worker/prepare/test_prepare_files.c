#include "tests/unit/worker/data/data_fixture.h"

#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "control.pb-c.h"
#include "proto/schema/message.h"
#include "worker/data/data_yaml.h"
#include "worker/prepare/prepare.h"
#include "worker/data/source.h"
#include "worker/data/split.h"
#include "worker/data/token_file.h"
#include "worker/prepare/token_writer.h"

enum { DOCUMENT = 500 };

/* Document number i: DOCUMENT letters that begin with its number. */
static void fill_document(char text[DOCUMENT], size_t i)
{
    char head[16];
    snprintf(head, sizeof head, "<%06zu>", i);
    for (size_t k = 0; k < DOCUMENT; k++)
        text[k] = k < 8 ? head[k] : (char)('a' + random_u64(i, k) % 26);
}

static void write_documents(const char *folder, size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++) {
        char text[DOCUMENT], *name = mem_format("%06zu.txt", i);
        fill_document(text, i);
        must_write_in(folder, name, text, sizeof text);
        free(name);
    }
}

/* Prepares the folders into folder/out with files of at most that many tokens. */
static Trireme__DataSet *must_prepare(const char *out, char **inputs, size_t n, uint64_t limit)
{
    struct err err;
    Trireme__DataPrepareRequest request = TRIREME__DATA_PREPARE_REQUEST__INIT;
    request.input = inputs;
    request.n_input = n;
    request.out = (char *)out;
    Trireme__DataSet *set = message_new(&trireme__data_set__descriptor);
    if (prepare_in_files(&request, set, NULL, NULL, limit, &err) < 0)
        fail_msg("%s", err.text);
    return set;
}

/* Adds the tokens of one file to a text. */
static void add_tokens(struct text *text, const char *folder, const Trireme__TokenFile *described)
{
    struct err err;
    struct token_file file;
    char *path = file_join(folder, described->file);
    if (token_file_open(&file, path, TRIREME__SOURCE__FORMAT__llmc, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(file.n_tokens, described->tokens);
    for (size_t i = 0; i < file.n_tokens; i++) {
        int32_t token;
        assert_int_equal(token_file_read(&file, &token, i, 1, 256, &err), 0);
        text_add_bytes(text, &(char){(char)token}, 1);
    }
    token_file_close(&file);
    free(path);
}

static struct text val_of(const char *folder, const Trireme__DataSet *set)
{
    struct text text = {0};
    add_tokens(&text, folder, set->val);
    for (size_t i = 0; i < set->n_more_val; i++)
        add_tokens(&text, folder, set->more_val[i]);
    return text;
}

static struct text train_of(const char *folder, const Trireme__DataSet *set)
{
    struct text text = {0};
    add_tokens(&text, folder, set->train);
    for (size_t i = 0; i < set->n_more_train; i++)
        add_tokens(&text, folder, set->more_train[i]);
    return text;
}

static bool holds(const struct text *text, size_t document)
{
    char bytes[DOCUMENT];
    fill_document(bytes, document);
    return text->size && memmem(text->bytes, text->size, bytes, sizeof bytes);
}

/* Names of the parts at each document's place, 't' for training. */
static void parts_of(char *parts, const char *folder, size_t n)
{
    struct err err;
    struct digest digest;
    Trireme__DataSet *set = data_yaml_read(folder, &digest, &err);
    if (!set)
        fail_msg("%s", err.text);
    struct text val = val_of(folder, set);
    for (size_t i = 0; i < n; i++) {
        char bytes[DOCUMENT];
        fill_document(bytes, i);
        const char *at = memmem(val.bytes, val.size, bytes, sizeof bytes);
        const uint64_t place = at ? (uint64_t)(at - val.bytes) : 0;
        parts[i] = !at                                                  ? 't'
                   : place < set->dev[0]->tokens                        ? 'd'
                   : place < set->gate[0]->first + set->gate[0]->tokens ? 'g'
                                                                        : 's';
    }
    text_clear(&val);
    message_free(set);
}

static void what_is_held_out_stays_so_in_the_same_part_when_documents_are_added(void **state)
{
    enum { N = 400, MORE = 100 };
    const char *folder = *state;
    char *in = file_join(folder, "in"), *more = file_join(folder, "more"),
         *out = file_join(folder, "out"), *grown = file_join(folder, "grown");
    char *inputs[2] = {in, more}, before[N + 1] = "", after[N + 1] = "";
    write_documents(in, 0, N);
    write_documents(more, N, MORE);
    message_free(must_prepare(out, inputs, 1, TOKEN_WRITER_FILE_TOKENS));
    message_free(must_prepare(grown, inputs, 2, TOKEN_WRITER_FILE_TOKENS));
    parts_of(before, out, N);
    parts_of(after, grown, N);
    assert_string_equal(before, after);
    assert_true(strchr(before, 'd') && strchr(before, 'g') && strchr(before, 's'));
    free(grown);
    free(out);
    free(more);
    free(in);
}

/* Below a hundred documents: the blocks of a book, alone and before another. */
static void blocks_that_are_held_out_stay_so_beside_another_document(void **state)
{
    enum { BLOCKS = 60 };
    const char *folder = *state;
    char *in = file_join(folder, "in"), *more = file_join(folder, "more"),
         *out = file_join(folder, "out"), *mixed = file_join(folder, "mixed");
    char *inputs[2] = {in, more}, *book = mem_new(BLOCKS * SPLIT_BLOCK + 9, 1);
    for (size_t i = 0; i < BLOCKS * SPLIT_BLOCK + 9; i++)
        book[i] = (char)('a' + random_u64(5, i) % 26);
    must_write_in(in, "book.txt", book, BLOCKS * SPLIT_BLOCK + 9);
    for (size_t i = 0; i < BLOCKS * SPLIT_BLOCK; i++)
        book[i] = (char)('A' + random_u64(6, i) % 26);
    must_write_in(more, "a-book.txt", book, BLOCKS * SPLIT_BLOCK / 2 + 777);
    Trireme__DataSet *alone = must_prepare(out, inputs, 1, TOKEN_WRITER_FILE_TOKENS),
                     *both = must_prepare(mixed, inputs, 2, TOKEN_WRITER_FILE_TOKENS);
    struct text a = val_of(out, alone), b = val_of(mixed, both);
    assert_string_equal(alone->split, "blocks");
    assert_true(a.size >= 3 * SPLIT_BLOCK);
    assert_true(both->val->tokens > alone->val->tokens);
    const uint64_t n_dev = alone->n_dev * SPLIT_BLOCK;
    for (size_t at = 0; at < a.size; at += SPLIT_BLOCK) {
        const char *there = memmem(b.bytes, b.size, a.bytes + at, SPLIT_BLOCK);
        assert_non_null(there);
        const bool dev = (uint64_t)(there - b.bytes) < both->n_dev * SPLIT_BLOCK;
        assert_true(dev == (at < n_dev));
    }
    text_clear(&a);
    text_clear(&b);
    message_free(alone);
    message_free(both);
    free(book);
    free(mixed);
    free(out);
    free(more);
    free(in);
}

static uint64_t samples_of(uint64_t tokens, uint64_t limit, size_t context)
{
    uint64_t samples = 0;
    for (; tokens > limit; tokens -= limit)
        samples += (limit - 1) / context;
    return samples + (tokens - 1) / context;
}

static void a_long_text_becomes_several_files_that_hold_it_all_and_are_all_read(void **state)
{
    enum { N = 300, LIMIT = 700, CONTEXT = 16 };
    const char *folder = *state;
    char *in = file_join(folder, "in"), *out = file_join(folder, "out");
    write_documents(in, 0, N);
    Trireme__DataSet *set = must_prepare(out, &in, 1, LIMIT);
    assert_int_equal(set->bytes, N * DOCUMENT);
    assert_string_equal(set->train->file, "train_000000.bin");
    assert_true(set->n_more_train > 150 && set->n_more_val > 10);
    assert_string_equal(set->more_train[0]->file, "train_000001.bin");
    struct text train = train_of(out, set), val = val_of(out, set);
    assert_int_equal(train.size + val.size, N * DOCUMENT);
    for (size_t i = 0; i < N; i++)
        assert_true(holds(&train, i) != holds(&val, i));
    uint64_t at = 0; // the parts' ranges, one after another, are the validation text
    Trireme__Range **parts[3] = {set->dev, set->gate, set->sealed};
    const size_t n[3] = {set->n_dev, set->n_gate, set->n_sealed};
    for (size_t part = 0; part < 3; part++)
        for (size_t i = 0; i < n[part]; i++) {
            const Trireme__Range *range = parts[part][i];
            assert_int_equal(range->first, at);
            assert_true(range->first / LIMIT == (range->first + range->tokens - 1) / LIMIT);
            at += range->tokens;
        }
    assert_int_equal(at, val.size);

    struct err err;
    Trireme__Source config = source_config("", out, 1);
    struct source *source = source_open(&config, CONTEXT, 256, &err);
    if (!source)
        fail_msg("%s", err.text);
    assert_int_equal(source_train_samples(source), samples_of(train.size, LIMIT, CONTEXT));
    int32_t tokens[CONTEXT + 1];
    const uint64_t of_file = (LIMIT - 1) / CONTEXT, sample = 2 * of_file + 3;
    assert_int_equal(source_train_sample(source, tokens, sample, 0, 1, &err), 0);
    for (size_t i = 0; i <= CONTEXT; i++)
        assert_int_equal(tokens[i], train.bytes[2 * LIMIT + 3 * CONTEXT + i]);
    const uint64_t last = source_val_samples(source, TRIREME__PART__sealed) - 1;
    assert_int_equal(source_val_sample(source, tokens, TRIREME__PART__sealed, last, &err), 0);
    const Trireme__Range *end = set->sealed[set->n_sealed - 1];
    const uint64_t first = end->first + ((end->tokens - 1) / CONTEXT - 1) * CONTEXT;
    for (size_t i = 0; i <= CONTEXT && end->tokens > CONTEXT; i++)
        assert_int_equal(tokens[i], val.bytes[first + i]);
    source_free(source);
    text_clear(&val);
    text_clear(&train);
    message_free(set);
    free(out);
    free(in);
}

/* The entropy of the dev part's pairs is measured through all of its files. */
static void the_numbers_of_a_text_do_not_depend_on_how_many_files_it_needs(void **state)
{
    enum { N = 300 };
    const char *folder = *state;
    char *in = file_join(folder, "in"), *one = file_join(folder, "one"),
         *many = file_join(folder, "many");
    write_documents(in, 0, N);
    Trireme__DataSet *a = must_prepare(one, &in, 1, TOKEN_WRITER_FILE_TOKENS),
                     *b = must_prepare(many, &in, 1, 2000);
    struct text x = val_of(one, a), y = val_of(many, b);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.bytes, y.bytes, x.size);
    assert_int_equal(a->n_more_train + a->n_more_val, 0);
    assert_true(b->n_dev > 1 && b->n_more_val > 1);
    assert_true(b->has_bigram_nats && b->bigram_nats > 0);
    if (b->bigram_nats < a->bigram_nats - 0.01 || b->bigram_nats > a->bigram_nats + 0.01)
        fail_msg("found %g nats in files of 2000 tokens, expected about the %g of one file",
                 b->bigram_nats, a->bigram_nats);
    text_clear(&x);
    text_clear(&y);
    message_free(a);
    message_free(b);
    free(many);
    free(one);
    free(in);
}

static void a_further_file_that_is_damaged_is_found(void **state)
{
    const char *folder = *state;
    char *in = file_join(folder, "in"), *out = file_join(folder, "out"),
         *path = file_join(out, "train_000003.bin");
    write_documents(in, 0, 120);
    Trireme__DataSet *set = must_prepare(out, &in, 1, 1000);
    struct err err;
    size_t size;
    assert_int_equal(data_yaml_verify(out, set, &err), 0);
    char *bytes = file_read(path, &size, ERR_USAGE, &err);
    bytes[size - 1] ^= 1;
    must_write_in(out, "train_000003.bin", bytes, size);
    assert_int_equal(data_yaml_verify(out, set, &err), -1);
    assert_contains(err.text, "train_000003.bin: found digest ");
    must_write_in(out, "train_000003.bin", bytes, size - 2);
    Trireme__Source config = source_config("", out, 1);
    assert_null(source_open(&config, 16, 256, &err));
    assert_contains(err.text, "train_000003.bin");
    free(bytes);
    message_free(set);
    free(path);
    free(out);
    free(in);
}

/* A folder of the earlier version, in which validation was chosen over the whole text. */
static void a_folder_of_the_earlier_version_is_read_as_it_is(void **state)
{
    const char *folder = *state;
    char *out = file_join(folder, "out");
    write_tokens_16(out, "train_000000.bin", 0, 100);
    write_tokens_16(out, "val_000000.bin", 100, 50);
    const char yaml[] = "format: 1\nname: t\nvocab: 256\nsplit: documents\n"
                        "train: {file: train_000000.bin, tokens: 100}\n"
                        "val: {file: val_000000.bin, tokens: 50}\n"
                        "dev: [{first: 0, tokens: 20}]\ngate: [{first: 20, tokens: 30}]\n";
    must_write_in(out, "data.yaml", yaml, sizeof yaml - 1);
    struct err err;
    Trireme__Source config = source_config("", out, 1);
    struct source *source = source_open(&config, 4, 256, &err);
    if (!source)
        fail_msg("%s", err.text);
    int32_t tokens[5];
    assert_int_equal(source_val_sample(source, tokens, TRIREME__PART__gate, 1, &err), 0);
    assert_int_equal(tokens[0], 124);
    source_free(source);
    free(out);
}

static void a_folder_of_the_earlier_version_is_not_written_over(void **state)
{
    const char *folder = *state;
    char *in = file_join(folder, "in"), *out = file_join(folder, "out");
    write_documents(in, 0, 120);
    message_free(must_prepare(out, &in, 1, TOKEN_WRITER_FILE_TOKENS));
    struct err err;
    size_t size;
    char *path = file_join(out, "data.yaml"), *yaml = file_read(path, &size, ERR_USAGE, &err);
    assert_memory_equal(yaml, "format: 2", 9);
    memcpy(yaml, "format: 1", 9);
    must_write_in(out, "data.yaml", yaml, size);
    Trireme__DataPrepareRequest request = TRIREME__DATA_PREPARE_REQUEST__INIT;
    request.input = &in;
    request.n_input = 1;
    request.out = out;
    Trireme__DataSet *set = message_new(&trireme__data_set__descriptor);
    assert_int_equal(prepare(&request, set, NULL, NULL, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "out: found data prepared by an earlier version");
    char *left = file_read(path, NULL, ERR_USAGE, &err);
    assert_string_equal(left, yaml);
    message_free(set);
    free(left);
    free(yaml);
    free(path);
    free(out);
    free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(what_is_held_out_stays_so_in_the_same_part_when_documents_are_added),
        test_in_folder(blocks_that_are_held_out_stay_so_beside_another_document),
        test_in_folder(a_long_text_becomes_several_files_that_hold_it_all_and_are_all_read),
        test_in_folder(the_numbers_of_a_text_do_not_depend_on_how_many_files_it_needs),
        test_in_folder(a_further_file_that_is_damaged_is_found),
        test_in_folder(a_folder_of_the_earlier_version_is_read_as_it_is),
        test_in_folder(a_folder_of_the_earlier_version_is_not_written_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
