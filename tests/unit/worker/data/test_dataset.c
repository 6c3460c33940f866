#include "tests/unit/worker/data/data_fixture.h"

#include "proto/order/segment.h"
#include "worker/data/dataset.h"

enum { CONTEXT = 8, VOCAB = 1 << 20, A_SAMPLES = 37, B_SAMPLES = 11, B_BASE = 100000 };

/* Two sources of 37 and 11 samples in a folder; the second has a dev part of 5. */
struct fixture {
    char *folder, *a, *b;
    Trireme__Source sources[2];
    Trireme__Source *list[2];
    Trireme__Data data;
    double weights[2];
};

static int setup(void **state)
{
    struct fixture *f = mem_new(1, sizeof *f);
    f->folder = test_folder_new();
    f->a = file_join(f->folder, "a.bin");
    f->b = file_join(f->folder, "b");
    write_tokens(f->folder, "a.bin", 0, A_SAMPLES * CONTEXT + 1);
    write_tokens(f->b, "train.bin", B_BASE, B_SAMPLES * CONTEXT + 1);
    write_tokens(f->b, "val.bin", 2 * B_BASE, 5 * CONTEXT + 1);
    f->weights[0] = 3;
    f->weights[1] = 1;
    f->sources[0] = source_config("code", f->a, 3);
    f->sources[1] = source_config("", f->b, 1);
    f->list[0] = &f->sources[0];
    f->list[1] = &f->sources[1];
    f->data = (Trireme__Data)TRIREME__DATA__INIT;
    f->data.sources = f->list;
    f->data.n_sources = 2;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->a);
    free(f->b);
    test_folder_free(f->folder);
    free(f);
    return 0;
}

static struct dataset *open_with(const struct fixture *f, uint64_t seed, struct err *err)
{
    Trireme__Segment *segment = order_first_segment(f->weights, f->data.n_sources);
    const Trireme__Segment *segments[1] = {segment};
    struct dataset *dataset = dataset_open(&f->data, CONTEXT, VOCAB, seed, segments, 1, err);
    trireme__segment__free_unpacked(segment, NULL);
    return dataset;
}

static struct dataset *must_open(const struct fixture *f, uint64_t seed)
{
    struct err err;
    struct dataset *dataset = open_with(f, seed, &err);
    if (!dataset)
        fail_msg("%s", err.text);
    return dataset;
}

/* First token of a training sample, whose tokens follow each other. */
static int32_t first_token(struct dataset *dataset, uint64_t sample)
{
    int32_t tokens[CONTEXT + 1];
    struct err err;
    if (dataset_sample(dataset, tokens, sample, &err) < 0)
        fail_msg("%s", err.text);
    for (int i = 1; i <= CONTEXT; i++)
        assert_int_equal(tokens[i], tokens[0] + i);
    return tokens[0];
}

static void each_epoch_covers_each_window_of_a_source_once(void **state)
{
    struct dataset *dataset = must_open(*state, 1337);
    int seen_a[A_SAMPLES] = {0}, seen_b[B_SAMPLES] = {0};
    size_t n_a = 0, n_b = 0, moved = 0;
    for (uint64_t sample = 0; n_a < 5 * A_SAMPLES || n_b < 5 * B_SAMPLES; sample++) {
        const int32_t first = first_token(dataset, sample);
        if (first < B_BASE) {
            moved += (size_t)first / CONTEXT != n_a % A_SAMPLES;
            assert_int_equal(seen_a[first / CONTEXT]++, n_a++ / A_SAMPLES);
        } else {
            assert_int_equal(seen_b[(first - B_BASE) / CONTEXT]++, n_b++ / B_SAMPLES);
        }
    }
    assert_true(moved > 4 * A_SAMPLES); // it is shuffled
    dataset_free(dataset);
}

static void epochs_and_seeds_have_orders_of_their_own(void **state)
{
    struct fixture *f = *state;
    f->data.n_sources = 1;
    struct dataset *one = must_open(f, 1), *two = must_open(f, 2);
    size_t epochs = 0, seeds = 0;
    for (uint64_t i = 0; i < A_SAMPLES; i++) {
        epochs += first_token(one, i) != first_token(one, i + A_SAMPLES);
        seeds += first_token(one, i) != first_token(two, i);
    }
    assert_true(epochs > A_SAMPLES / 2 && seeds > A_SAMPLES / 2);
    dataset_free(one);
    dataset_free(two);
}

static void sequential_order_takes_one_window_after_the_other(void **state)
{
    struct fixture *f = *state;
    f->data.n_sources = 1;
    f->data.order = TRIREME__DATA__ORDER__sequential;
    struct dataset *dataset = must_open(f, 1);
    for (uint64_t i = 0; i < 3 * A_SAMPLES; i++)
        assert_int_equal(first_token(dataset, i), i % A_SAMPLES * CONTEXT);
    dataset_free(dataset);
}

static void sequential_order_mixes_as_the_shuffled_one(void **state)
{
    struct fixture *f = *state;
    struct dataset *shuffled = must_open(f, 1);
    f->data.order = TRIREME__DATA__ORDER__sequential;
    struct dataset *sequential = must_open(f, 1);
    uint64_t next[2] = {0};
    for (uint64_t i = 0; i < 200; i++) {
        const int32_t first = first_token(sequential, i);
        const bool b = first >= B_BASE;
        assert_int_equal(first_token(shuffled, i) >= B_BASE, b);
        assert_int_equal(first, b ? B_BASE + next[1] % B_SAMPLES * CONTEXT : next[0] % A_SAMPLES * CONTEXT);
        next[b]++;
    }
    assert_int_equal(next[0], 150);
    dataset_free(shuffled);
    dataset_free(sequential);
}

static void samples_depend_on_their_number_alone(void **state)
{
    enum { N = 400 };
    struct dataset *forward = must_open(*state, 5), *backward = must_open(*state, 5), *jumping = must_open(*state, 5);
    int32_t firsts[N];
    for (uint64_t i = 0; i < N; i++)
        firsts[i] = first_token(forward, i);
    for (uint64_t i = N; i-- > 0;)
        assert_int_equal(first_token(backward, i), firsts[i]);
    for (uint64_t i = 0; i < N; i++)
        assert_int_equal(first_token(jumping, i * 173 % N), firsts[i * 173 % N]);
    dataset_free(forward);
    dataset_free(backward);
    dataset_free(jumping);
}

static void a_change_of_weights_goes_on_within_the_epoch(void **state)
{
    const struct fixture *f = *state;
    struct err err;
    Trireme__Segment **segments = mem_new(1, sizeof *segments);
    size_t n = 1;
    segments[0] = order_first_segment(f->weights, 2);
    assert_int_equal(order_append(&segments, &n, 30, (double[]){1, 4}, 2, &err), 0);
    struct dataset *dataset =
        dataset_open(&f->data, CONTEXT, VOCAB, 1, (const Trireme__Segment *const *)segments, n, &err);
    assert_non_null(dataset);
    int seen[B_SAMPLES] = {0};
    size_t n_b = 0;
    for (uint64_t sample = 0; n_b < 4 * B_SAMPLES; sample++) {
        const int32_t first = first_token(dataset, sample);
        if (first >= B_BASE)
            assert_int_equal(seen[(first - B_BASE) / CONTEXT]++, n_b++ / B_SAMPLES);
    }
    dataset_free(dataset);
    for (size_t i = 0; i < n; i++)
        trireme__segment__free_unpacked(segments[i], NULL);
    free(segments);
}

static void evaluation_reads_the_dev_part_in_its_order(void **state)
{
    struct dataset *dataset = must_open(*state, 1);
    assert_int_equal(dataset_sources(dataset), 2);
    assert_int_equal(dataset_eval_samples(dataset, 0), 0);
    assert_int_equal(dataset_eval_samples(dataset, 1), 5);
    assert_true(dataset_bytes_per_token(dataset, 1) == 0);
    for (uint64_t i = 0; i < 5; i++) {
        int32_t tokens[CONTEXT + 1];
        struct err err;
        assert_int_equal(dataset_eval_sample(dataset, tokens, 1, i, &err), 0);
        assert_int_equal(tokens[0], 2 * B_BASE + i * CONTEXT);
        assert_int_equal(tokens[CONTEXT], tokens[0] + CONTEXT);
    }
    dataset_free(dataset);
}

static void a_source_without_a_name_has_the_base_name_of_its_path(void **state)
{
    struct fixture *f = *state;
    char *path = mem_format("%s//", f->b);
    f->sources[1].path = path;
    struct dataset *dataset = must_open(f, 1);
    assert_string_equal(dataset_source_name(dataset, 0), "code");
    assert_string_equal(dataset_source_name(dataset, 1), "b");
    dataset_free(dataset);
    free(path);
}

static void check_refused(const struct fixture *f, enum err_code code, const char *sentence)
{
    struct err err = {0};
    assert_null(open_with(f, 1, &err));
    assert_int_equal(err.code, code);
    assert_contains(err.text, sentence);
}

static void configurations_that_make_no_sense_are_refused(void **state)
{
    struct fixture *f = *state;
    f->weights[0] = f->weights[1] = 0;
    check_refused(f, ERR_USAGE, "the weights of all 2 sources are zero, expected one above zero");
    f->weights[0] = 1;
    f->sources[0].name = "b";
    check_refused(f, ERR_USAGE, "data.sources: 0 and 1 are both named 'b', expected different names");
    f->sources[0].name = "code";
    f->sources[1].path = "";
    check_refused(f, ERR_USAGE, "data.sources.1.path: found nothing, expected a folder or a token file");
    f->sources[1].path = "/nowhere/at/all";
    check_refused(f, ERR_DATA, "/nowhere/at/all: cannot open: No such file or directory");
    f->data.n_sources = 0;
    check_refused(f, ERR_USAGE, "data.sources: found none, expected at least one");
}

static void another_number_of_sources_than_in_the_segments_is_refused(void **state)
{
    const struct fixture *f = *state;
    Trireme__Segment *segment = order_first_segment((double[]){1, 1, 1}, 3);
    const Trireme__Segment *segments[1] = {segment};
    struct err err = {0};
    assert_null(dataset_open(&f->data, CONTEXT, VOCAB, 1, segments, 1, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "data.sources: found 2 sources, expected 3 as at the start of the trial");
    trireme__segment__free_unpacked(segment, NULL);
}

static void a_token_beyond_the_vocabulary_is_an_error_of_its_sample(void **state)
{
    const struct fixture *f = *state;
    Trireme__Segment *segment = order_first_segment((double[]){0, 1}, 2);
    const Trireme__Segment *segments[1] = {segment};
    struct err err = {0};
    struct dataset *dataset = dataset_open(&f->data, CONTEXT, 256, 1, segments, 1, &err);
    int32_t tokens[CONTEXT + 1];
    assert_int_equal(dataset_sample(dataset, tokens, 0, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "train.bin: token ");
    assert_contains(err.text, "expected one below the vocabulary of 256");
    dataset_free(dataset);
    trireme__segment__free_unpacked(segment, NULL);
}

static void the_digest_tells_other_data_and_names_apart(void **state)
{
    struct fixture *f = *state;
    char hex[4][DIGEST_HEX_SIZE];
    for (int i = 0; i < 4; i++) {
        if (i == 2)
            f->sources[0].name = "prose";
        if (i == 3)
            write_tokens(f->folder, "a.bin", 1, A_SAMPLES * CONTEXT + 1);
        struct dataset *dataset = must_open(f, (uint64_t)i);
        dataset_digest(dataset, hex[i]);
        dataset_free(dataset);
    }
    assert_string_equal(hex[0], hex[1]);
    assert_string_not_equal(hex[1], hex[2]);
    assert_string_not_equal(hex[2], hex[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_epoch_covers_each_window_of_a_source_once, setup, teardown),
        cmocka_unit_test_setup_teardown(epochs_and_seeds_have_orders_of_their_own, setup, teardown),
        cmocka_unit_test_setup_teardown(sequential_order_takes_one_window_after_the_other, setup, teardown),
        cmocka_unit_test_setup_teardown(sequential_order_mixes_as_the_shuffled_one, setup, teardown),
        cmocka_unit_test_setup_teardown(samples_depend_on_their_number_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_of_weights_goes_on_within_the_epoch, setup, teardown),
        cmocka_unit_test_setup_teardown(evaluation_reads_the_dev_part_in_its_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_source_without_a_name_has_the_base_name_of_its_path, setup, teardown),
        cmocka_unit_test_setup_teardown(configurations_that_make_no_sense_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(another_number_of_sources_than_in_the_segments_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_token_beyond_the_vocabulary_is_an_error_of_its_sample, setup, teardown),
        cmocka_unit_test_setup_teardown(the_digest_tells_other_data_and_names_apart, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
