/* A model takes memory for the samples that it is asked for, not for the positions that it has. */
#include "tests/unit/worker/model/batch_fixture.h"

#include <sys/resource.h>

enum { B = BATCH_FIXTURE_SAMPLES, LONGEST = 3 };

static void a_model_for_short_samples_has_the_bits_of_one_for_all_positions(void **state)
{
    (void)state;
    for (int variant = 0; variant < BATCH_FIXTURE_VARIANTS; variant++) {
        struct batch_fixture c = batch_fixture_new(variant, kernels_best());
        struct model *small =
            model_new_sized(&c.config, c.layout, kernels_best(), B * LONGEST, LONGEST);
        float *expected = mem_floats(c.n), *found = mem_floats(c.n),
              *logits[2] = {mem_floats(c.config.vocab), mem_floats(c.config.vocab)};
        double losses[2] = {0, 1};
        model_gradient(c.model, expected, &losses[0], c.weights, c.tokens, B, LONGEST, 0.1f);
        model_gradient(small, found, &losses[1], c.weights, c.tokens, B, LONGEST, 0.1f);
        assert_memory_equal(expected, found, c.n * sizeof *found);
        assert_true(losses[0] == losses[1]);
        model_logits(c.model, logits[0], c.weights, c.tokens, LONGEST);
        model_logits(small, logits[1], c.weights, c.tokens, LONGEST);
        assert_memory_equal(logits[0], logits[1], c.config.vocab * sizeof(float));
        free(logits[0]);
        free(logits[1]);
        free(expected);
        free(found);
        model_free(small);
        batch_fixture_free(&c);
    }
}

/* The most memory that this process has had. */
static long peak_kb(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

static void memory_follows_the_samples_and_not_the_positions(void **state)
{
    (void)state;
    Trireme__Model config = batch_fixture_config(TRIREME__MODEL__ARCH__llama, false);
    config.context = 1 << 17;
    struct layout *layout = layout_new(&config);
    const long before = peak_kb();
    struct model *model = model_new_sized(&config, layout, kernels_best(), 2 * 16, 16);
    const long after = peak_kb();
    if (after - before > 8 * 1024)
        fail_msg("a model of %u positions takes %ld KB for 2 samples of 16 tokens", config.context,
                 after - before);
    model_free(model);
    layout_free(layout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_for_short_samples_has_the_bits_of_one_for_all_positions),
        cmocka_unit_test(memory_follows_the_samples_and_not_the_positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
