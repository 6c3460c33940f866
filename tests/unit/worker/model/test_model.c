/* What callers of the model rely on besides right numbers: the same bits each time, gradients that
 * are written whole, ticks. */
#include "tests/unit/worker/model/batch_fixture.h"

enum { B = BATCH_FIXTURE_SAMPLES };

static void a_samples_loss_has_the_same_bits_at_any_place_of_any_batch(void **state)
{
    (void)state;
    for (int variant = 0; variant < BATCH_FIXTURE_VARIANTS; variant++) {
        struct batch_fixture c = batch_fixture_new(variant, kernels_best());
        const size_t row = c.T + 1;
        double together[B], turned[B], alone;
        int32_t *tokens = mem_new(B * row, sizeof *tokens);
        for (size_t b = 0; b < B; b++)
            memcpy(tokens + (B - 1 - b) * row, c.tokens + b * row, row * sizeof *tokens);
        model_losses(c.model, together, c.weights, c.tokens, B);
        model_losses(c.model, turned, c.weights, tokens, B);
        for (size_t b = 0; b < B; b++) {
            model_losses(c.model, &alone, c.weights, c.tokens + b * row, 1);
            assert_true(together[b] == alone);
            assert_true(turned[B - 1 - b] == alone);
        }
        free(tokens);
        batch_fixture_free(&c);
    }
}

static void
a_gradient_has_the_same_bits_again_and_after_other_calls_and_in_a_larger_model(void **state)
{
    (void)state;
    for (int variant = 0; variant < BATCH_FIXTURE_VARIANTS; variant++) {
        struct batch_fixture c = batch_fixture_new(variant, kernels_best());
        struct model *larger = model_new(&c.config, c.layout, kernels_best(), 2 * B);
        float *first = mem_floats(c.n), *again = mem_floats(c.n + 1), logits[13];
        double loss[3], other[B];
        model_gradient(c.model, first, &loss[0], c.weights, c.tokens, B, c.T, 0.1f);
        model_losses(c.model, other, c.weights, c.tokens, 2);
        model_logits(c.model, logits, c.weights, c.tokens, 3);
        model_gradient(c.model, again, other, c.weights, c.tokens + c.T + 1, 1, c.T, 1);
        model_gradient(c.model, again, &loss[1], c.weights, c.tokens, B, c.T, 0.1f);
        assert_memory_equal(first, again, c.n * sizeof *first);
        // also: at another address
        model_gradient(larger, again + 1, &loss[2], c.weights, c.tokens, B, c.T, 0.1f);
        assert_memory_equal(first, again + 1, c.n * sizeof *first);
        assert_true(loss[0] == loss[1] && loss[0] == loss[2]);
        free(first);
        free(again);
        model_free(larger);
        batch_fixture_free(&c);
    }
}

static void a_gradient_is_written_whole_whatever_stood_there(void **state)
{
    (void)state;
    for (int variant = 0; variant < BATCH_FIXTURE_VARIANTS; variant++) {
        struct batch_fixture c = batch_fixture_new(variant, kernels_best());
        float *clean = mem_floats(c.n), *dirty = mem_floats(c.n);
        double loss;
        for (size_t i = 0; i < c.n; i++)
            dirty[i] = NAN;
        model_gradient(c.model, clean, &loss, c.weights, c.tokens, B, c.T, 1);
        model_gradient(c.model, dirty, &loss, c.weights, c.tokens, B, c.T, 1);
        assert_memory_equal(clean, dirty, c.n * sizeof *clean);
        free(clean);
        free(dirty);
        batch_fixture_free(&c);
    }
}

/* The gradient of a batch is within relative * (its largest element) of the sum of its samples'
 * gradients. */
static void check_sum_of_samples(struct batch_fixture *c, size_t n_samples, double relative)
{
    float *whole = mem_floats(c->n), *sum = mem_floats(c->n), *part = mem_floats(c->n);
    double loss, losses[B], part_loss, largest = 0, loss_sum = 0;
    model_gradient(c->model, whole, &loss, c->weights, c->tokens, n_samples, c->T, 0.5f);
    model_losses(c->model, losses, c->weights, c->tokens, n_samples);
    for (size_t b = 0; b < n_samples; b++) {
        model_gradient(c->model, part, &part_loss, c->weights, c->tokens + b * (c->T + 1), 1, c->T,
                       0.5f);
        assert_true(fabs(part_loss - losses[b]) <= 1e-6 * part_loss);
        loss_sum += losses[b];
        for (size_t i = 0; i < c->n; i++)
            sum[i] += part[i];
    }
    for (size_t i = 0; i < c->n; i++)
        largest = fabs((double)whole[i]) > largest ? fabs((double)whole[i]) : largest;
    assert_true(fabs(loss - loss_sum) <= 1e-6 * loss);
    assert_floats_near(whole, sum, c->n, relative * largest, 0);
    free(whole);
    free(sum);
    free(part);
}

static void a_batchs_gradient_is_the_sum_of_its_samples_gradients(void **state)
{
    (void)state;
    for (int variant = 0; variant < BATCH_FIXTURE_VARIANTS; variant++) {
        struct batch_fixture c = batch_fixture_new(variant, kernels_best());
        check_sum_of_samples(&c, B, 1e-5);
        batch_fixture_free(&c);
    }
}

static void a_vocabulary_too_large_for_all_rows_at_once_changes_nothing(void **state)
{
    (void)state;
    Trireme__Model config = batch_fixture_config(TRIREME__MODEL__ARCH__gpt2, true);
    config.layers = 1;
    config.width = 4;
    config.context = 100;
    config.vocab = 1 << 18; // 128 rows at a time
    struct batch_fixture c = batch_fixture_of(config, kernels_best());
    check_sum_of_samples(&c, 2, 1e-5);
    batch_fixture_free(&c);
}

static void contexts_longer_than_a_block_of_scores_agree_with_the_reference(void **state)
{
    (void)state;
    for (int variant = 0; variant < BATCH_FIXTURE_VARIANTS; variant += 2) {
        Trireme__Model config =
            variant == BATCH_FIXTURE_RICH
                ? batch_fixture_rich(true)
                : batch_fixture_config(
                      variant ? TRIREME__MODEL__ARCH__llama : TRIREME__MODEL__ARCH__gpt2, true);
        config.context = 64 + 64 + 3;
        struct batch_fixture reference = batch_fixture_of(config, kernels_reference()),
                             fast = batch_fixture_of(config, kernels_fast());
        float *a = mem_floats(fast.n), *b = mem_floats(fast.n);
        double loss[2];
        const float scale = 1.0f / (float)fast.T;
        model_gradient(fast.model, a, &loss[0], fast.weights, fast.tokens, 1, fast.T, scale);
        model_gradient(reference.model, b, &loss[1], fast.weights, fast.tokens, 1, fast.T, scale);
        assert_true(fabs(loss[0] - loss[1]) <= 1e-6 * loss[1]);
        assert_floats_near(a, b, fast.n, 5e-6, 1e-4);
        free(a);
        free(b);
        batch_fixture_free(&reference);
        batch_fixture_free(&fast);
    }
}

static void logits_of_each_prefix_give_the_samples_loss(void **state)
{
    (void)state;
    for (int variant = 0; variant < BATCH_FIXTURE_VARIANTS; variant++) {
        struct batch_fixture c = batch_fixture_new(variant, kernels_best());
        float logits[13];
        double whole, sum = 0;
        model_losses(c.model, &whole, c.weights, c.tokens, 1);
        for (size_t n = 1; n <= c.T; n++) {
            model_logits(c.model, logits, c.weights, c.tokens, n);
            sum += kernels_reference()->cross_entropy(NULL, logits, c.tokens + n, 1, c.config.vocab,
                                                      0);
        }
        assert_true(fabs(sum - whole) <= 1e-5 * whole);
        batch_fixture_free(&c);
    }
}

/* Checks that each tensor is the shorter model's, except for the position table, of which that
 * model has the first rows. */
static void check_is_of_shorter(const struct batch_fixture *c, const float *found,
                                const struct batch_fixture *shorter, const float *expected)
{
    for (size_t i = 0; i < c->layout->n_tensors; i++) {
        const struct tensor *whole = &c->layout->tensors[i],
                            *first = layout_find(shorter->layout, "%s", whole->name);
        const float *at = found + whole->offset;
        assert_memory_equal(at, expected + first->offset, tensor_count(first) * sizeof *at);
        for (size_t j = tensor_count(first); j < tensor_count(whole); j++)
            assert_true(at[j] == 0);
    }
}

static void a_gradient_at_a_shorter_context_is_that_of_a_model_of_that_context(void **state)
{
    (void)state;
    enum { SHORT = 5 };
    for (int variant = 0; variant < BATCH_FIXTURE_VARIANTS; variant++) {
        struct batch_fixture c = batch_fixture_new(variant, kernels_best());
        Trireme__Model config = c.config;
        config.context = SHORT;
        struct batch_fixture shorter = batch_fixture_of(config, kernels_best());
        for (size_t i = 0; i < shorter.layout->n_tensors; i++) {
            const struct tensor *first = &shorter.layout->tensors[i];
            memcpy(shorter.weights + first->offset,
                   c.weights + layout_find(c.layout, "%s", first->name)->offset,
                   tensor_count(first) * sizeof *c.weights);
        }
        float *expected = mem_floats(shorter.n), *found = mem_floats(c.n);
        double losses[2];
        for (size_t i = 0; i < c.n; i++)
            found[i] = NAN;
        model_gradient(shorter.model, expected, &losses[0], shorter.weights, c.tokens, B, SHORT,
                       0.1f);
        model_gradient(c.model, found, &losses[1], c.weights, c.tokens, B, SHORT, 0.1f);
        assert_true(losses[0] == losses[1] && losses[0] > 0);
        check_is_of_shorter(&c, found, &shorter, expected);
        free(expected);
        free(found);
        batch_fixture_free(&shorter);
        batch_fixture_free(&c);
    }
}

struct countdown {
    int left, calls;
};

static bool stop_at_zero(void *context)
{
    struct countdown *countdown = context;
    countdown->calls++;
    return countdown->left-- == 0;
}

static void a_tick_abandons_the_pass_at_any_layer_and_the_next_pass_is_whole(void **state)
{
    (void)state;
    struct batch_fixture c = batch_fixture_new(0, kernels_best());
    float *gradient = mem_floats(c.n), *after = mem_floats(c.n);
    double loss, losses[B];
    model_gradient(c.model, gradient, &loss, c.weights, c.tokens, B, c.T, 1);
    struct countdown countdown = {.left = -1};
    model_set_tick(c.model, stop_at_zero, &countdown);
    assert_true(model_gradient(c.model, after, &loss, c.weights, c.tokens, B, c.T, 1));
    const int ticks = countdown.calls;
    assert_int_equal(ticks, 2 * (int)c.config.layers);
    for (int at = 0; at < ticks; at++) {
        countdown = (struct countdown){.left = at};
        assert_false(model_gradient(c.model, after, &loss, c.weights, c.tokens, B, c.T, 1));
        assert_int_equal(countdown.calls, at + 1);
    }
    countdown = (struct countdown){.left = 3};
    assert_false(model_losses(c.model, losses, c.weights, c.tokens, B));
    model_set_tick(c.model, NULL, NULL);
    assert_true(model_gradient(c.model, after, &loss, c.weights, c.tokens, B, c.T, 1));
    assert_memory_equal(gradient, after, c.n * sizeof *after);
    free(gradient);
    free(after);
    batch_fixture_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_samples_loss_has_the_same_bits_at_any_place_of_any_batch),
        cmocka_unit_test(
            a_gradient_has_the_same_bits_again_and_after_other_calls_and_in_a_larger_model),
        cmocka_unit_test(a_gradient_is_written_whole_whatever_stood_there),
        cmocka_unit_test(a_batchs_gradient_is_the_sum_of_its_samples_gradients),
        cmocka_unit_test(a_vocabulary_too_large_for_all_rows_at_once_changes_nothing),
        cmocka_unit_test(contexts_longer_than_a_block_of_scores_agree_with_the_reference),
        cmocka_unit_test(a_gradient_at_a_shorter_context_is_that_of_a_model_of_that_context),
        cmocka_unit_test(logits_of_each_prefix_give_the_samples_loss),
        cmocka_unit_test(a_tick_abandons_the_pass_at_any_layer_and_the_next_pass_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
