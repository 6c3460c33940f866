#include "tests/unit/worker/data/data_fixture.h"

#include "base/file.h"
#include "base/mem.h"
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

static int set_up(void **state)
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

static int tear_down(void **state)
{
    struct fixture *f = *state;
    free(f->a);
    free(f->b);
    test_folder_free(f->folder);
    free(f);
    return 0;
}

/* The data and the order of a trial; text_free frees both. */
struct text {
    struct dataset *dataset;
    struct order *order;
};

static struct dataset *open_with(const struct fixture *f, uint64_t seed, struct err *err)
{
    return dataset_open(&f->data, CONTEXT, VOCAB, seed, err);
}

static struct text must_open(const struct fixture *f, uint64_t seed)
{
    struct err err;
    const struct order_change first = {.weights = f->weights, .n_sources = f->data.n_sources};
    struct text text = {.dataset = open_with(f, seed, &err)};
    Trireme__Segment *segment = text.dataset ? order_first_segment(&first, &err) : NULL;
    text.order = segment ? order_new((const Trireme__Segment *const *)&segment, 1, &err) : NULL;
    if (!text.order)
        fail_msg("%s", err.text);
    trireme__segment__free_unpacked(segment, NULL);
    return text;
}

static struct dataset *must_open_data(const struct fixture *f)
{
    struct err err;
    struct dataset *dataset = open_with(f, 1, &err);
    if (!dataset)
        fail_msg("%s", err.text);
    return dataset;
}

static void text_free(struct text text)
{
    order_free(text.order);
    dataset_free(text.dataset);
}

/* First token of a training sample, whose tokens follow each other. */
static int32_t first_token(struct text text, uint64_t sample)
{
    int32_t tokens[CONTEXT + 1];
    struct err err;
    if (dataset_sample(text.dataset, text.order, tokens, sample, &err) < 0)
        fail_msg("%s", err.text);
    for (uint32_t i = 1; i <= CONTEXT / order_parts(text.order, sample); i++)
        assert_int_equal(tokens[i], tokens[0] + (int32_t)i);
    return tokens[0];
}

static void each_epoch_covers_each_window_of_a_source_once(void **state)
{
    struct text text = must_open(*state, 1337);
    int seen_a[A_SAMPLES] = {0}, seen_b[B_SAMPLES] = {0};
    size_t n_a = 0, n_b = 0, moved = 0;
    for (uint64_t sample = 0; n_a < 5 * A_SAMPLES || n_b < 5 * B_SAMPLES; sample++) {
        const int32_t first = first_token(text, sample);
        if (first < B_BASE) {
            moved += (size_t)first / CONTEXT != n_a % A_SAMPLES;
            assert_int_equal(seen_a[first / CONTEXT]++, n_a++ / A_SAMPLES);
        } else {
            assert_int_equal(seen_b[(first - B_BASE) / CONTEXT]++, n_b++ / B_SAMPLES);
        }
    }
    assert_true(moved > 4 * A_SAMPLES); // it is shuffled
    text_free(text);
}

static void epochs_and_seeds_have_orders_of_their_own(void **state)
{
    struct fixture *f = *state;
    f->data.n_sources = 1;
    struct text one = must_open(f, 1), two = must_open(f, 2);
    size_t epochs = 0, seeds = 0;
    for (uint64_t i = 0; i < A_SAMPLES; i++) {
        epochs += first_token(one, i) != first_token(one, i + A_SAMPLES);
        seeds += first_token(one, i) != first_token(two, i);
    }
    assert_true(epochs > A_SAMPLES / 2 && seeds > A_SAMPLES / 2);
    text_free(one);
    text_free(two);
}

static void sequential_order_takes_one_window_after_the_other(void **state)
{
    struct fixture *f = *state;
    f->data.n_sources = 1;
    f->data.order = TRIREME__DATA__ORDER__sequential;
    struct text text = must_open(f, 1);
    for (uint64_t i = 0; i < 3 * A_SAMPLES; i++)
        assert_int_equal(first_token(text, i), i % A_SAMPLES * CONTEXT);
    text_free(text);
}

static void sequential_order_mixes_as_the_shuffled_one(void **state)
{
    struct fixture *f = *state;
    struct text shuffled = must_open(f, 1);
    f->data.order = TRIREME__DATA__ORDER__sequential;
    struct text sequential = must_open(f, 1);
    uint64_t next[2] = {0};
    for (uint64_t i = 0; i < 200; i++) {
        const int32_t first = first_token(sequential, i);
        const bool b = first >= B_BASE;
        assert_int_equal(first_token(shuffled, i) >= B_BASE, b);
        assert_int_equal(first, b ? B_BASE + next[1] % B_SAMPLES * CONTEXT
                                  : next[0] % A_SAMPLES * CONTEXT);
        next[b]++;
    }
    assert_int_equal(next[0], 150);
    text_free(shuffled);
    text_free(sequential);
}

static void samples_depend_on_their_number_alone(void **state)
{
    enum { N = 400 };
    struct text forward = must_open(*state, 5), backward = must_open(*state, 5),
                jumping = must_open(*state, 5);
    int32_t firsts[N];
    for (uint64_t i = 0; i < N; i++)
        firsts[i] = first_token(forward, i);
    for (uint64_t i = N; i-- > 0;)
        assert_int_equal(first_token(backward, i), firsts[i]);
    for (uint64_t i = 0; i < N; i++)
        assert_int_equal(first_token(jumping, i * 173 % N), firsts[i * 173 % N]);
    text_free(forward);
    text_free(backward);
    text_free(jumping);
}

/* Opens the data with an order of several segments, which is freed. */
static struct text open_list(const struct fixture *f, Trireme__Segment **segments, size_t n)
{
    struct err err;
    struct text text = {.dataset = open_with(f, 1, &err),
                        .order = order_new((const Trireme__Segment *const *)segments, n, &err)};
    assert_true(text.dataset && text.order);
    for (size_t i = 0; i < n; i++)
        trireme__segment__free_unpacked(segments[i], NULL);
    free(segments);
    return text;
}

static void a_change_of_weights_goes_on_within_the_epoch(void **state)
{
    const struct fixture *f = *state;
    struct err err;
    Trireme__Segment **segments = mem_new(1, sizeof *segments);
    size_t n = 1;
    segments[0] =
        order_first_segment(&(struct order_change){.weights = f->weights, .n_sources = 2}, &err);
    const struct order_change change = {
        .weights = (double[]){1, 4},
          .n_sources = 2
    };
    assert_int_equal(order_append(&segments, &n, 30, &change, &err), 0);
    struct text text = open_list(f, segments, n);
    int seen[B_SAMPLES] = {0};
    size_t n_b = 0;
    for (uint64_t sample = 0; n_b < 4 * B_SAMPLES; sample++) {
        const int32_t first = first_token(text, sample);
        if (first >= B_BASE)
            assert_int_equal(seen[(first - B_BASE) / CONTEXT]++, n_b++ / B_SAMPLES);
    }
    text_free(text);
}

static void a_window_that_is_cut_into_parts_gives_all_its_tokens_part_by_part(void **state)
{
    struct fixture *f = *state;
    struct err err;
    f->data.n_sources = 1;
    struct text whole = must_open(f, 1);
    Trireme__Segment **segments = mem_new(1, sizeof *segments);
    size_t n = 1;
    struct order_change change = {.weights = f->weights, .n_sources = 1};
    segments[0] = order_first_segment(&change, &err);
    change.parts = 4;
    assert_int_equal(order_append(&segments, &n, 10, &change, &err), 0);
    change.parts = 2;
    // into the second epoch
    assert_int_equal(order_append(&segments, &n, 10 + 4 * 40, &change, &err), 0);
    struct text cut = open_list(f, segments, n);
    for (uint64_t window = 0; window < 10; window++)
        assert_int_equal(first_token(cut, window), first_token(whole, window));
    for (uint64_t i = 0; i < 4 * 40; i++)
        assert_int_equal(first_token(cut, 10 + i),
                         first_token(whole, 10 + i / 4) + (int32_t)(i % 4) * CONTEXT / 4);
    for (uint64_t i = 0; i < 40; i++)
        assert_int_equal(first_token(cut, 170 + i),
                         first_token(whole, 50 + i / 2) + (int32_t)(i % 2) * CONTEXT / 2);
    text_free(whole);
    text_free(cut);
}

static void evaluation_reads_the_dev_part_in_its_order(void **state)
{
    struct dataset *dataset = must_open_data(*state);
    assert_int_equal(dataset_sources(dataset), 2);
    assert_int_equal(dataset_eval_samples(dataset, TRIREME__PART__dev, 0), 0);
    assert_int_equal(dataset_eval_samples(dataset, TRIREME__PART__dev, 1), 5);
    // one block, and dev gets the first
    assert_int_equal(dataset_eval_samples(dataset, TRIREME__PART__gate, 1), 0);
    uint64_t bytes;
    assert_false(dataset_count_bytes(dataset, &bytes, 1, (const int32_t[]){1}, 1));
    for (uint64_t i = 0; i < 5; i++) {
        int32_t tokens[CONTEXT + 1];
        struct err err;
        assert_int_equal(dataset_eval_sample(dataset, tokens, TRIREME__PART__dev, 1, i, &err), 0);
        assert_int_equal(tokens[0], 2 * B_BASE + i * CONTEXT);
        assert_int_equal(tokens[CONTEXT], tokens[0] + CONTEXT);
    }
    dataset_free(dataset);
}

static void
windows_are_drawn_without_replacement_and_shuffled_anew_once_they_are_used_up(void **state)
{
    struct fixture *f = *state;
    // six blocks for the gate, (16384 - 1) / 8 windows each
    enum { BLOCKS = 12, WINDOWS = 6 * 2047 };
    write_tokens(f->b, "val.bin", 0, BLOCKS * 16384);
    struct dataset *dataset = must_open_data(f);
    const uint64_t n = dataset_eval_samples(dataset, TRIREME__PART__gate, 1);
    assert_int_equal(n, WINDOWS);
    uint8_t *seen = mem_new(n, 1);
    size_t moved = 0, rounds = 0, keys = 0;
    for (uint64_t k = 0; k < 3 * n; k++) {
        const uint64_t drawn = dataset_eval_drawn(dataset, TRIREME__PART__gate, 1, 77, k);
        assert_true(drawn < n);
        assert_int_equal(seen[drawn]++, k / n);
        moved += drawn != k % n;
        rounds += drawn != dataset_eval_drawn(dataset, TRIREME__PART__gate, 1, 77, k % n);
        keys += drawn != dataset_eval_drawn(dataset, TRIREME__PART__gate, 1, 78, k);
    }
    assert_true(moved > 2 * n && rounds > n && keys > 2 * n);
    free(seen);
    dataset_free(dataset);
}

static void a_source_without_a_name_has_the_base_name_of_its_path(void **state)
{
    struct fixture *f = *state;
    char *path = mem_format("%s//", f->b);
    f->sources[1].path = path;
    struct dataset *dataset = must_open_data(f);
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
    f->sources[0].name = "b";
    check_refused(f, ERR_USAGE,
                  "data.sources: 0 and 1 are both named 'b', expected different names");
    f->sources[0].name = "code";
    f->sources[1].path = "";
    check_refused(f, ERR_USAGE,
                  "data.sources.1.path: found nothing, expected a folder or a token file");
    f->sources[1].path = "/nowhere/at/all";
    check_refused(f, ERR_DATA, "/nowhere/at/all: cannot open: No such file or directory");
    f->data.n_sources = 0;
    check_refused(f, ERR_USAGE, "data.sources: found none, expected at least one");
}

static void a_token_beyond_the_vocabulary_is_an_error_of_its_sample(void **state)
{
    struct fixture *f = *state;
    f->weights[0] = 0;
    struct err err = {0};
    struct text text = must_open(f, 1);
    dataset_free(text.dataset);
    text.dataset = dataset_open(&f->data, CONTEXT, 256, 1, &err);
    int32_t tokens[CONTEXT + 1];
    assert_int_equal(dataset_sample(text.dataset, text.order, tokens, 0, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "train.bin: token ");
    assert_contains(err.text, "expected one below the vocabulary of 256");
    text_free(text);
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
        struct dataset *dataset = must_open_data(f);
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
        cmocka_unit_test_setup_teardown(each_epoch_covers_each_window_of_a_source_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(epochs_and_seeds_have_orders_of_their_own, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sequential_order_takes_one_window_after_the_other, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(sequential_order_mixes_as_the_shuffled_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(samples_depend_on_their_number_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_of_weights_goes_on_within_the_epoch, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_window_that_is_cut_into_parts_gives_all_its_tokens_part_by_part, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            windows_are_drawn_without_replacement_and_shuffled_anew_once_they_are_used_up, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(evaluation_reads_the_dev_part_in_its_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_source_without_a_name_has_the_base_name_of_its_path,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(configurations_that_make_no_sense_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_token_beyond_the_vocabulary_is_an_error_of_its_sample,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_digest_tells_other_data_and_names_apart, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
