/* Which runs are told of each other. */
#include "tests/unit/support.h"

#include "coordinator/memory/run_kind.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

static Trireme__RunKind *kind_of(const char *a, const char *b, const char *c)
{
    struct err err = {.text = ""};
    char *settings[] = {(char *)a, (char *)b, (char *)c};
    Trireme__Config *config = run_config_read(NULL, settings, 3, &err);
    if (!config)
        fail_msg("%s", err.text);
    Trireme__RunKind *kind = run_kind_of(config);
    message_free(config);
    return kind;
}

static void a_kind_counts_the_parameters_and_the_tokens_asked_for(void **state)
{
    (void)state;
    Trireme__RunKind *k = kind_of("model.arch=llama", "model.layers=1", "train.steps=100");
    // width 384, 6 heads, vocabulary 256, ffn 8/3 * 384 = 1024, head not tied
    const uint64_t attention = 4 * 384 * 384, mlp = 3 * 384 * 1024, norms = 3 * 384;
    assert_int_equal(k->parameters, 2 * 256 * 384 + attention + mlp + norms);
    assert_int_equal(k->tokens, 100 * 32 * 256);
    assert_string_equal(k->arch, "llama");
    assert_string_equal(k->optimizer, "adamw");
    message_free(k);
}

static void runs_of_another_family_optimizer_or_size_are_of_another_kind(void **state)
{
    (void)state;
    Trireme__RunKind *a = kind_of("model.arch=llama", "train.steps=100", "train.batch=32"),
                     *more = kind_of("model.arch=llama", "train.steps=999", "train.batch=32"),
                     *ten = kind_of("model.arch=llama", "train.steps=1000", "train.batch=32"),
                     *gpt = kind_of("model.arch=gpt2", "train.steps=100", "train.batch=32"),
                     *sgd = kind_of("model.arch=llama", "train.steps=100", "optimizer.name=sgd"),
                     *wide = kind_of("model.arch=llama", "train.steps=100", "model.width=1536");
    assert_true(run_kind_same(a, a));
    assert_true(run_kind_same(a, more) && run_kind_same(more, a));
    assert_false(run_kind_same(a, ten) || run_kind_same(ten, a));
    assert_false(run_kind_same(a, gpt));
    assert_false(run_kind_same(a, sgd));
    assert_false(run_kind_same(a, wide));
    assert_false(run_kind_same(a, NULL));
    message_free(a), message_free(more), message_free(ten);
    message_free(gpt), message_free(sgd), message_free(wide);
}

static void a_scale_is_within_a_factor_of_four(void **state)
{
    (void)state;
    Trireme__RunKind *a = kind_of("model.arch=llama", "train.steps=100", "model.layers=6"),
                     *deep = kind_of("model.arch=llama", "train.steps=100", "model.layers=30");
    assert_true(run_scale_same(a, 1000, a, 3999));
    assert_true(run_scale_same(a, 3999, a, 1000));
    assert_false(run_scale_same(a, 1000, a, 4000));
    assert_true(run_kind_same(a, deep));
    assert_false(run_scale_same(a, 1000, deep, 1000));
    message_free(a), message_free(deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kind_counts_the_parameters_and_the_tokens_asked_for),
        cmocka_unit_test(runs_of_another_family_optimizer_or_size_are_of_another_kind),
        cmocka_unit_test(a_scale_is_within_a_factor_of_four),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
