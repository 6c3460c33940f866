/* Loss and gradient of the fixtures' first microbatch, against PyTorch's (tests/fixtures/make.py).
 */
#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "math/kernels.h"
#include "proto/file/hugging_face_config.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "worker/model/model.h"

#include <math.h>

enum { MICROBATCH = 2, LLMC_HEADER = 1024 };
static const double LOSS_TOLERANCE = 1e-5,
                    TENSOR_TOLERANCE = 1e-4; /* relative; of a tensor by its l2 norm */

static char *read_fixture(const char *folder, const char *name, size_t *size)
{
    struct err err;
    char *path = mem_format("%s/%s/%s", FIXTURES, folder, name),
         *bytes = file_read(path, size, ERR_DATA, &err);
    if (!bytes)
        fail_msg("%s", err.text);
    free(path);
    return bytes;
}

/* The number after "key": in JSON without nested objects. */
static double json_number(const char *json, const char *key)
{
    char *quoted = mem_format("\"%s\":", key);
    const char *found = strstr(json, quoted);
    if (!found)
        fail_msg("no %s in %s", quoted, json);
    double value = strtod(found + strlen(quoted), NULL);
    free(quoted);
    return value;
}

static Trireme__Model *read_config(const char *folder)
{
    struct err err;
    char *path = mem_format("%s/%s/hf", FIXTURES, folder);
    Trireme__Model *config = message_new(&trireme__model__descriptor);
    if (hugging_face_shape(config, path, &err) < 0)
        fail_msg("%s", err.text);
    free(path);
    return config;
}

static void check_tensors(const struct layout *layout, const float *found, const float *expected)
{
    for (size_t i = 0; i < layout->n_tensors; i++) {
        const struct tensor *t = &layout->tensors[i];
        double difference = 0, size = 0;
        for (size_t j = t->offset; j < t->offset + tensor_count(t); j++) {
            double d = (double)found[j] - (double)expected[j];
            difference += d * d;
            size += (double)expected[j] * (double)expected[j];
        }
        if (!(sqrt(difference) <= TENSOR_TOLERANCE * sqrt(size)))
            fail_msg("%s: |found - expected| is %.3g, |expected| is %.3g", t->name,
                     sqrt(difference), sqrt(size));
    }
}

static void check_parity(const char *folder, const struct kernels *kernels)
{
    Trireme__Model *config = read_config(folder);
    const size_t T = config->context;
    struct layout *layout = layout_new(config);
    size_t weights_size, gradient_size, size;
    float *weights = (void *)read_fixture(folder, "weights.bin", &weights_size);
    float *expected = (void *)read_fixture(folder, "gradient.bin", &gradient_size);
    char *file = read_fixture(folder, "tokens.bin", &size),
         *json = read_fixture(folder, "loss.json", &size);
    assert_int_equal(weights_size, layout->n_params * sizeof(float));
    assert_int_equal(gradient_size, layout->n_params * sizeof(float));
    int32_t *tokens = mem_new(MICROBATCH * (T + 1), sizeof *tokens);
    for (size_t b = 0; b < MICROBATCH; b++)
        for (size_t t = 0; t <= T; t++) {
            uint16_t token;
            memcpy(&token, file + LLMC_HEADER + (b * T + t) * sizeof token, sizeof token);
            tokens[b * (T + 1) + t] = token;
        }
    struct model *model = model_new(config, layout, kernels, MICROBATCH);
    float *gradient = mem_floats(layout->n_params);
    double loss, expected_loss = json_number(json, "loss"), n = (double)(MICROBATCH * T);
    assert_true(model_gradient(model, gradient, &loss, weights, tokens, MICROBATCH, config->context,
                               (float)(1 / n)));
    if (!(fabs(loss / n - expected_loss) <= LOSS_TOLERANCE * expected_loss))
        fail_msg("loss: found %.9g, expected %.9g", loss / n, expected_loss);
    check_tensors(layout, gradient, expected);
    model_free(model);
    free(gradient);
    free(tokens);
    free(json);
    free(file);
    free(expected);
    free(weights);
    layout_free(layout);
    message_free(config);
}

static void gpt2_agrees_with_pytorch_on_the_reference_kernels(void **state)
{
    (void)state;
    check_parity("gpt2", kernels_reference());
}

static void gpt2_agrees_with_pytorch_on_the_best_kernels(void **state)
{
    (void)state;
    check_parity("gpt2", kernels_best());
}

static void llama_agrees_with_pytorch_on_the_reference_kernels(void **state)
{
    (void)state;
    check_parity("llama", kernels_reference());
}

static void llama_agrees_with_pytorch_on_the_best_kernels(void **state)
{
    (void)state;
    check_parity("llama", kernels_best());
}

static void a_llama_with_biases_wide_heads_and_llama3_agrees_on_the_reference_kernels(void **state)
{
    (void)state;
    check_parity("llama_rich", kernels_reference());
}

static void a_llama_with_biases_wide_heads_and_llama3_agrees_on_the_best_kernels(void **state)
{
    (void)state;
    check_parity("llama_rich", kernels_best());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt2_agrees_with_pytorch_on_the_reference_kernels),
        cmocka_unit_test(gpt2_agrees_with_pytorch_on_the_best_kernels),
        cmocka_unit_test(llama_agrees_with_pytorch_on_the_reference_kernels),
        cmocka_unit_test(llama_agrees_with_pytorch_on_the_best_kernels),
        cmocka_unit_test(a_llama_with_biases_wide_heads_and_llama3_agrees_on_the_reference_kernels),
        cmocka_unit_test(a_llama_with_biases_wide_heads_and_llama3_agrees_on_the_best_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
