#include "tests/unit/worker/data/data_fixture.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "proto/order/segment.h"
#include "proto/schema/message.h"
#include "worker/data/dataset.h"
#include "worker/prepare/documents.h"
#include "worker/prepare/prepare.h"
#include "worker/data/split.h"
#include "worker/data/token_file.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char *folder, *in, *out;
    char *inputs[2];
    Trireme__DataPrepareRequest request;
    Trireme__DataSet *set;
    struct text notes;
};

static int set_up(void **state)
{
    struct fixture *f = mem_new(1, sizeof *f);
    f->folder = test_folder_new();
    f->in = file_join(f->folder, "in");
    f->out = file_join(f->folder, "out");
    f->inputs[0] = f->in;
    f->request = (Trireme__DataPrepareRequest)TRIREME__DATA_PREPARE_REQUEST__INIT;
    f->request.input = f->inputs;
    f->request.n_input = 1;
    f->request.out = f->out;
    f->set = message_new(&trireme__data_set__descriptor);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    text_clear(&f->notes);
    message_free(f->set);
    free(f->in);
    free(f->out);
    test_folder_free(f->folder);
    free(f);
    return 0;
}

static void must_prepare(struct fixture *f)
{
    struct err err;
    message_free(f->set);
    f->set = message_new(&trireme__data_set__descriptor);
    text_clear(&f->notes);
    if (prepare(&f->request, f->set, &f->notes, NULL, &err) < 0)
        fail_msg("%s", err.text);
}

static void check_refused(struct fixture *f, enum err_code code, const char *sentence)
{
    struct err err = {0};
    assert_int_equal(prepare(&f->request, f->set, &f->notes, NULL, &err), -1);
    assert_int_equal(err.code, code);
    assert_contains(err.text, sentence);
}

/* n documents of 200 to 999 bytes in three folders; the text of each begins with its number. */
static void write_documents(const char *folder, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *sub = mem_format("%s/%c", folder, "abc"[i % 3]), *name = mem_format("%05zu.txt", i);
        char bytes[1000];
        const size_t size = 200 + random_u64(1, i) % 800;
        for (size_t k = 0; k < size; k++)
            bytes[k] = (char)('a' + random_u64(i + 2, k) % 26);
        snprintf(bytes, sizeof bytes, "<%05zu", i);
        bytes[6] = '>';
        must_write_in(sub, name, bytes, size);
        free(name);
        free(sub);
    }
}

static void write_text(const char *folder, const char *name, size_t size, uint64_t seed)
{
    char *bytes = mem_new(size, 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)('a' + random_u64(seed, i) % 26);
    must_write_in(folder, name, bytes, size);
    free(bytes);
}

static char *read_out(const struct fixture *f, const char *name, size_t *size)
{
    struct err err;
    char *path = file_join(f->out, name), *bytes = file_read(path, size, ERR_USAGE, &err);
    if (!bytes)
        fail_msg("%s", err.text);
    free(path);
    return bytes;
}

/* The tokens of a written file as bytes. */
static char *read_tokens(const struct fixture *f, const char *name, size_t *n)
{
    struct err err;
    struct token_file file;
    char *path = file_join(f->out, name);
    if (token_file_open(&file, path, TRIREME__SOURCE__FORMAT__llmc, &err) < 0)
        fail_msg("%s", err.text);
    *n = file.n_tokens;
    char *bytes = mem_new(*n + 1, 1);
    for (size_t i = 0; i < *n; i++) {
        int32_t token;
        assert_int_equal(token_file_read(&file, &token, i, 1, 256, &err), 0);
        bytes[i] = (char)token;
    }
    token_file_close(&file);
    free(path);
    return bytes;
}

static double tokens_of(Trireme__Range *const *ranges, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)ranges[i]->tokens;
    return sum;
}

static void check_parts(const Trireme__DataSet *set, double within)
{
    const double val = (double)set->val->tokens;
    const double dev = tokens_of(set->dev, set->n_dev), gate = tokens_of(set->gate, set->n_gate);
    check_share(dev, val, 0.2, within);
    check_share(gate, val, 0.5, within);
    assert_true(dev + gate + tokens_of(set->sealed, set->n_sealed) == val);
}

static void a_hundred_documents_are_split_whole(void **state)
{
    struct fixture *f = *state;
    enum { N = 400 };
    write_documents(f->in, N);
    must_prepare(f);
    assert_string_equal(f->set->split, "documents");
    assert_int_equal(f->set->documents, N);
    assert_int_equal(f->set->train->tokens + f->set->val->tokens, f->set->bytes);
    // four standard deviations of a draw of 400 and of 40
    check_share((double)f->set->val->tokens, (double)f->set->bytes, 0.1, 0.06);
    check_parts(f->set, 0.32);
    assert_int_equal(f->set->n_dev, 1);
    assert_int_equal(f->set->n_gate, 1);
    assert_int_equal(f->set->n_sealed, 1);
    size_t n_train, n_val, in_val = 0;
    char *train = read_tokens(f, "train_000000.bin", &n_train),
         *val = read_tokens(f, "val_000000.bin", &n_val);
    for (size_t i = 0; i < N; i++) { // each document stands whole in one of the files
        char *path = mem_format("%s/%c/%05zu.txt", f->in, "abc"[i % 3], i);
        struct err err;
        size_t size;
        char *bytes = file_read(path, &size, ERR_USAGE, &err);
        const bool there = memmem(val, n_val, bytes, size);
        assert_true(there != (memmem(train, n_train, bytes, size) != NULL));
        in_val += there;
        free(bytes);
        free(path);
    }
    assert_in_range(in_val, 16, 64);
    free(train);
    free(val);
}

static void fewer_documents_are_split_by_blocks(void **state)
{
    struct fixture *f = *state;
    enum { BLOCKS = 60, SIZE = BLOCKS * SPLIT_BLOCK + 1000 };
    write_text(f->in, "text.txt", SIZE, 1);
    must_prepare(f);
    assert_string_equal(f->set->split, "blocks");
    assert_int_equal(f->set->bytes, SIZE);
    const size_t n_val_blocks = f->set->n_dev + f->set->n_gate + f->set->n_sealed;
    assert_in_range(n_val_blocks, 3, 16);
    assert_int_equal(f->set->train->tokens + f->set->val->tokens, SIZE);
    struct err err;
    char *path = file_join(f->in, "text.txt"), *text = file_read(path, NULL, ERR_USAGE, &err);
    size_t n_train, n_val, at = 0, found = 0;
    char *train = read_tokens(f, "train_000000.bin", &n_train),
         *val = read_tokens(f, "val_000000.bin", &n_val);
    // the text without the validation's blocks is the training text
    for (size_t block = 0; block < BLOCKS; block++) {
        const char *bytes = text + block * SPLIT_BLOCK;
        const size_t size = block == BLOCKS - 1 ? SPLIT_BLOCK + 1000 : SPLIT_BLOCK;
        if (memmem(val, n_val, bytes, SPLIT_BLOCK)) {
            found++;
            continue;
        }
        assert_memory_equal(train + at, bytes, size);
        at += size;
    }
    assert_int_equal(at, n_train);
    assert_int_equal(found, n_val_blocks);
    free(train);
    free(val);
    free(text);
    free(path);
}

static void each_range_of_blocks_is_one_block(void **state)
{
    struct fixture *f = *state;
    write_text(f->in, "text.txt", 40 * SPLIT_BLOCK, 2);
    f->request.has_val = true;
    f->request.val = 0.5;
    must_prepare(f);
    uint64_t next = 0;
    Trireme__Range **parts[3] = {f->set->dev, f->set->gate, f->set->sealed};
    const size_t n[3] = {f->set->n_dev, f->set->n_gate, f->set->n_sealed};
    for (size_t part = 0; part < 3; part++)
        for (size_t i = 0; i < n[part]; i++) {
            assert_int_equal(parts[part][i]->first, next);
            assert_int_equal(parts[part][i]->tokens, SPLIT_BLOCK);
            next += SPLIT_BLOCK;
        }
    assert_int_equal(next, f->set->val->tokens);
    assert_in_range(next / SPLIT_BLOCK, 8, 32);
}

static void documents_with_the_same_bytes_are_dropped(void **state)
{
    struct fixture *f = *state;
    must_write_in(f->in, "a.txt", "same text", 9);
    must_write_in(f->in, "b.txt", "other text", 10);
    must_write_in(f->in, "c.txt", "same text", 9);
    must_write_in(f->in, "d.txt", "same texT", 9);
    char *given_twice = file_join(f->in, "b.txt");
    f->inputs[1] = given_twice;
    f->request.n_input = 2;
    must_prepare(f);
    assert_int_equal(f->set->documents, 3);
    assert_int_equal(f->set->duplicates, 2);
    size_t n;
    char *text = read_tokens(f, "train_000000.bin", &n);
    assert_string_equal(text, "same textother textsame texT");
    free(text);
    free(given_twice);
}

/* Checks that a file of the result has the expected bytes. */
static void check_same_file(const struct fixture *f, const char *name, const char *expected,
                            size_t n)
{
    size_t size;
    char *bytes = read_out(f, name, &size);
    assert_int_equal(size, n);
    assert_memory_equal(bytes, expected, n);
    free(bytes);
}

static void the_same_documents_give_the_same_bytes_in_whatever_order_they_lie(void **state)
{
    struct fixture *f = *state;
    write_documents(f->in, 150);
    f->request.name = "text";
    must_prepare(f);
    const char *names[3] = {"train_000000.bin", "val_000000.bin", "data.yaml"};
    char *bytes[3];
    size_t sizes[3];
    for (int i = 0; i < 3; i++)
        bytes[i] = read_out(f, names[i], &sizes[i]);
    char *other = file_join(f->folder, "other");
    for (size_t i = 150; i-- > 0;) { // the same names below another folder, made in another order
        char *from = mem_format("%s/%c/%05zu.txt", f->in, "abc"[i % 3], i),
             *to = mem_format("%s/%c", other, "abc"[i % 3]);
        struct err err;
        size_t size;
        char *document = file_read(from, &size, ERR_USAGE, &err);
        must_write_in(to, strrchr(from, '/') + 1, document, size);
        free(document);
        free(to);
        free(from);
    }
    char *a = file_join(other, "a"), *rest[3] = {file_join(other, "c"), file_join(other, "b"), a};
    f->request.input = rest;
    f->request.n_input = 3;
    free(f->out);
    f->out = f->request.out = file_join(f->folder, "out2");
    must_prepare(f);
    for (int i = 0; i < 3; i++) {
        check_same_file(f, names[i], bytes[i], sizes[i]);
        free(bytes[i]);
    }
    for (int i = 0; i < 3; i++)
        free(rest[i]);
    free(other);
}

static void the_same_line_may_be_run_again_and_another_is_refused(void **state)
{
    struct fixture *f = *state;
    write_documents(f->in, 120);
    must_prepare(f);
    size_t size;
    char *yaml = read_out(f, "data.yaml", &size);
    must_prepare(f);
    assert_int_equal(f->set->documents, 120);
    check_same_file(f, "data.yaml", yaml, size);
    f->request.has_val = true;
    f->request.val = 0.2;
    check_refused(f, ERR_USAGE, "out: found data prepared from another text or with other options");
    check_same_file(f, "data.yaml", yaml, size);
    free(yaml);
}

static void a_damaged_result_is_not_taken_for_done(void **state)
{
    struct fixture *f = *state;
    write_documents(f->in, 120);
    must_prepare(f);
    size_t size;
    char *bytes = read_out(f, "val_000000.bin", &size);
    bytes[size - 1] ^= 1;
    must_write_in(f->out, "val_000000.bin", bytes, size);
    check_refused(f, ERR_DATA, "val_000000.bin: found digest ");
    free(bytes);
}

static void only_the_result_is_left_beside_the_input(void **state)
{
    struct fixture *f = *state;
    struct err err;
    size_t n;
    write_documents(f->in, 5);
    must_prepare(f);
    must_prepare(f);
    char **names = file_names(f->folder, &n, ERR_USAGE, &err);
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "in");
    assert_string_equal(names[1], "out");
    file_names_free(names);
}

static void an_out_that_is_no_place_for_data_is_refused(void **state)
{
    struct fixture *f = *state;
    write_documents(f->in, 3);
    must_write_in(f->out, "mine.txt", "keep", 4);
    check_refused(f, ERR_USAGE, "out: found a folder of other files");
    check_same_file(f, "mine.txt", "keep", 4);
    char *file = file_join(f->out, "mine.txt"), *below = file_join(file, "deep");
    f->request.out = file;
    check_refused(f, ERR_USAGE, "mine.txt: found a file, expected a folder or nothing");
    f->request.out = below;
    check_refused(f, ERR_USAGE, "mine.txt");
    check_same_file(f, "mine.txt", "keep", 4);
    free(below);
    free(file);
}

static void an_empty_folder_may_be_the_out(void **state)
{
    struct fixture *f = *state;
    write_documents(f->in, 3);
    assert_int_equal(mkdir(f->out, 0755), 0);
    must_prepare(f);
    assert_int_equal(f->set->documents, 3);
}

static void an_out_inside_the_input_is_not_read(void **state)
{
    struct fixture *f = *state;
    write_documents(f->in, 3);
    char *inside = file_join(f->in, "deep/out");
    f->request.out = inside;
    must_prepare(f);
    const uint64_t bytes = f->set->bytes;
    must_prepare(f);
    assert_int_equal(f->set->bytes, bytes);
    free(inside);
}

static void a_text_of_less_than_two_blocks_has_no_validation(void **state)
{
    struct fixture *f = *state;
    write_text(f->in, "text.txt", 2 * SPLIT_BLOCK - 1, 1);
    must_prepare(f);
    assert_int_equal(f->set->train->tokens, 2 * SPLIT_BLOCK - 1);
    assert_int_equal(f->set->n_dev, 0);
    assert_false(f->set->has_bigram_nats);
    assert_string_equal(
        f->notes.bytes,
        "no validation: found 32767 tokens, expected at least 32768 (two blocks) to set one "
        "apart\n");
    char *val = file_join(f->out, "val_000000.bin");
    assert_false(file_exists(val));
    free(val);
}

static void a_text_of_two_blocks_has_one_for_dev(void **state)
{
    struct fixture *f = *state;
    write_text(f->in, "text.txt", 2 * SPLIT_BLOCK, 1);
    must_prepare(f);
    assert_int_equal(f->set->n_dev, 1);
    assert_int_equal(f->set->dev[0]->tokens, SPLIT_BLOCK);
    assert_int_equal(f->set->val->tokens, SPLIT_BLOCK);
    assert_int_equal(f->set->n_gate + f->set->n_sealed, 0);
}

static void no_share_for_validation_gives_none_without_a_word(void **state)
{
    struct fixture *f = *state;
    write_documents(f->in, 120);
    f->request.has_val = true;
    f->request.val = 0;
    must_prepare(f);
    assert_int_equal(f->set->train->tokens, f->set->bytes);
    assert_null(f->notes.bytes);
}

/* 26 letters drawn evenly, 16,384 of them: a bigram table fitted to the dev part itself comes out a
 * little below ln 26. */
static void data_yaml_tells_the_entropy_of_the_dev_part(void **state)
{
    struct fixture *f = *state;
    write_text(f->in, "text.txt", 20 * SPLIT_BLOCK, 1);
    must_prepare(f);
    assert_true(f->set->has_bigram_nats);
    assert_true(f->set->bigram_nats < log(26) && f->set->bigram_nats > log(26) - 0.05);
}

static void hidden_files_and_links_to_folders_are_passed_over(void **state)
{
    struct fixture *f = *state;
    must_write_in(f->in, "b.txt", "kept", 4);
    must_write_in(f->in, ".hidden", "hidden", 6);
    char *git = file_join(f->in, ".git"), *loop = file_join(f->in, "loop"),
         *link = file_join(f->in, "a.txt");
    char *target = file_join(f->folder, "target.txt");
    must_write_in(git, "config", "settings", 8);
    must_write_in(f->folder, "target.txt", "linked", 6);
    assert_int_equal(symlink(f->in, loop), 0);
    assert_int_equal(symlink(target, link), 0);
    must_prepare(f);
    size_t n;
    char *text = read_tokens(f, "train_000000.bin", &n);
    assert_string_equal(text, "linkedkept");
    free(text);
    free(target);
    free(link);
    free(loop);
    free(git);
}

static void what_cannot_be_read_is_counted(void **state)
{
    struct fixture *f = *state;
    must_write_in(f->in, "a.txt", "text", 4);
    must_write_in(f->in, "empty1", "", 0);
    must_write_in(f->in, "empty2", "", 0);
    char *pipe_path = file_join(f->in, "pipe");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    must_prepare(f);
    assert_int_equal(f->set->documents, 1);
    assert_contains(f->notes.bytes, "left out 3 files: 2 empty, 1 unreadable (the first: ");
    assert_contains(f->notes.bytes, "pipe: expected a regular file or a folder)\n");
    free(pipe_path);
}

static void requests_that_make_no_sense_are_refused(void **state)
{
    struct fixture *f = *state;
    check_refused(f, ERR_USAGE, "in: cannot find it: No such file or directory");
    must_write_in(f->in, "empty", "", 0);
    check_refused(f, ERR_DATA, "found no text in 1 inputs: 1 files are empty, 0 unreadable");
    f->request.tokenizer = "gpt2";
    check_refused(f, ERR_USAGE, "--tokenizer: found 'gpt2', expected byte, a folder");
    f->request.tokenizer = "byte";
    f->request.n_input = 0;
    check_refused(f, ERR_USAGE, "found no file or folder to prepare");
    assert_false(file_exists(f->out));
}

static void the_name_is_that_of_the_folder_unless_it_is_given(void **state)
{
    struct fixture *f = *state;
    must_write_in(f->in, "a.txt", "text", 4);
    char *out = mem_format("%s/", f->out);
    f->request.out = out;
    must_prepare(f);
    assert_string_equal(f->set->name, "out");
    free(out);
    f->request.name = "my: \"text\" #1";
    out = f->request.out = file_join(f->folder, "two");
    must_prepare(f);
    assert_string_equal(f->set->name, "my: \"text\" #1");
    free(out);
}

static void a_prepared_folder_opens_as_a_source(void **state)
{
    struct fixture *f = *state;
    write_text(f->in, "text.txt", 20 * SPLIT_BLOCK, 1);
    must_prepare(f);
    Trireme__Source source = source_config("", f->out, 1), *sources[1] = {&source};
    Trireme__Data data = TRIREME__DATA__INIT;
    data.sources = sources;
    data.n_sources = 1;
    struct err err;
    const struct order_change change = {.weights = (double[]){1}, .n_sources = 1};
    Trireme__Segment *first = order_first_segment(&change, &err);
    struct order *order = order_new((const Trireme__Segment *const *)&first, 1, &err);
    assert_non_null(order);
    struct dataset *dataset = dataset_open(&data, 256, 256, 1, &err);
    if (!dataset)
        fail_msg("%s", err.text);
    assert_string_equal(dataset_source_name(dataset, 0), "out");
    assert_int_equal(dataset_eval_samples(dataset, TRIREME__PART__dev, 0),
                     f->set->n_dev * ((SPLIT_BLOCK - 1) / 256));
    uint64_t bytes;
    assert_true(dataset_count_bytes(dataset, &bytes, 0, (const int32_t[]){1, 2}, 2) && bytes == 2);
    const char *folder;
    assert_null(dataset_vocabulary(dataset, &folder));
    int32_t tokens[257];
    assert_int_equal(dataset_sample(dataset, order, tokens, 12345, &err), 0);
    dataset_free(dataset);
    order_free(order);
    trireme__segment__free_unpacked(first, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hundred_documents_are_split_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fewer_documents_are_split_by_blocks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_range_of_blocks_is_one_block, set_up, tear_down),
        cmocka_unit_test_setup_teardown(documents_with_the_same_bytes_are_dropped, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            the_same_documents_give_the_same_bytes_in_whatever_order_they_lie, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_line_may_be_run_again_and_another_is_refused,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_result_is_not_taken_for_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_the_result_is_left_beside_the_input, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_out_that_is_no_place_for_data_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_empty_folder_may_be_the_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_out_inside_the_input_is_not_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_text_of_less_than_two_blocks_has_no_validation, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_text_of_two_blocks_has_one_for_dev, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_share_for_validation_gives_none_without_a_word, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(data_yaml_tells_the_entropy_of_the_dev_part, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(hidden_files_and_links_to_folders_are_passed_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(requests_that_make_no_sense_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_name_is_that_of_the_folder_unless_it_is_given, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_prepared_folder_opens_as_a_source, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
