/* The gradient of whole models against differences of the loss. For every tensor the loss is moved
 * along four unit vectors: the gradient itself, a random one, its largest and one other single
 * parameter. The derivative is (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h, all in double but for
 * the float arithmetic of the forward pass. */
#include "tests/unit/worker/model/batch_fixture.h"

static const double H = 1.0 / 128, RELATIVE = 1e-3, ABSOLUTE = 4e-4; /* of a sum of 27 losses */

enum direction { ALONG_GRADIENT, RANDOM, LARGEST, OTHER, N_DIRECTIONS };

static void choose(float *u, enum direction direction, const float *gradient, size_t n,
                   uint64_t stream)
{
    size_t largest = 0;
    double size = 0;
    for (size_t i = 0; i < n; i++) {
        u[i] = direction == ALONG_GRADIENT ? gradient[i]
               : direction == RANDOM       ? (float)random_normal(stream, i)
                                           : 0;
        largest = fabsf(gradient[i]) > fabsf(gradient[largest]) ? i : largest;
    }
    if (direction == LARGEST)
        u[largest] = 1;
    if (direction == OTHER)
        u[random_u64(stream, 0) % n] = 1;
    for (size_t i = 0; i < n; i++)
        size += (double)u[i] * (double)u[i];
    for (size_t i = 0; i < n; i++)
        u[i] /= (float)sqrt(size);
}

static double loss_at(struct batch_fixture *c, const struct tensor *t, const float *u, double s)
{
    double losses[BATCH_FIXTURE_SAMPLES], sum = 0;
    float *kept = mem_floats(tensor_count(t)), *w = c->weights + t->offset;
    memcpy(kept, w, tensor_count(t) * sizeof *w);
    for (size_t i = 0; i < tensor_count(t); i++)
        w[i] += (float)s * u[i];
    assert_true(model_losses(c->model, losses, c->weights, c->tokens, BATCH_FIXTURE_SAMPLES));
    memcpy(w, kept, tensor_count(t) * sizeof *w);
    free(kept);
    for (int b = 0; b < BATCH_FIXTURE_SAMPLES; b++)
        sum += losses[b];
    return sum;
}

static void check_tensor(struct batch_fixture *c, const struct tensor *t, const float *gradient)
{
    const size_t n = tensor_count(t);
    float *u = mem_floats(n);
    for (enum direction d = 0; d < N_DIRECTIONS; d++) {
        double expected = 0;
        choose(u, d, gradient, n, t->offset);
        for (size_t i = 0; i < n; i++)
            expected += (double)u[i] * (double)gradient[i];
        double one = loss_at(c, t, u, H) - loss_at(c, t, u, -H),
               two = loss_at(c, t, u, 2 * H) - loss_at(c, t, u, -2 * H);
        double found = (8 * one - two) / (12 * H);
        if (!(fabs(found - expected) <= ABSOLUTE + RELATIVE * fabs(expected)))
            fail_msg("%s, direction %d: the differences give %.9g, the gradient %.9g", t->name, d,
                     found, expected);
    }
    free(u);
}

static void check_variant(int variant)
{
    struct batch_fixture c = batch_fixture_new(variant, kernels_reference());
    float *gradient = mem_floats(c.n);
    double loss;
    assert_true(model_gradient(c.model, gradient, &loss, c.weights, c.tokens, BATCH_FIXTURE_SAMPLES,
                               c.T, 1));
    for (size_t i = 0; i < c.layout->n_tensors; i++)
        check_tensor(&c, &c.layout->tensors[i], gradient + c.layout->tensors[i].offset);
    free(gradient);
    batch_fixture_free(&c);
}

static void gradient_of_a_tied_gpt2_is_that_of_its_loss(void **state)
{
    (void)state;
    check_variant(0);
}

static void gradient_of_an_untied_gpt2_is_that_of_its_loss(void **state)
{
    (void)state;
    check_variant(1);
}

static void gradient_of_a_tied_llama_is_that_of_its_loss(void **state)
{
    (void)state;
    check_variant(2);
}

static void gradient_of_an_untied_llama_is_that_of_its_loss(void **state)
{
    (void)state;
    check_variant(3);
}

static void gradient_of_a_llama_with_biases_wide_heads_and_llama3_is_that_of_its_loss(void **state)
{
    (void)state;
    check_variant(BATCH_FIXTURE_RICH);
}

static void gradient_of_a_llama_with_narrow_heads_and_linear_is_that_of_its_loss(void **state)
{
    (void)state;
    check_variant(BATCH_FIXTURE_RICH + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradient_of_a_tied_gpt2_is_that_of_its_loss),
        cmocka_unit_test(gradient_of_an_untied_gpt2_is_that_of_its_loss),
        cmocka_unit_test(gradient_of_a_tied_llama_is_that_of_its_loss),
        cmocka_unit_test(gradient_of_an_untied_llama_is_that_of_its_loss),
        cmocka_unit_test(gradient_of_a_llama_with_biases_wide_heads_and_llama3_is_that_of_its_loss),
        cmocka_unit_test(gradient_of_a_llama_with_narrow_heads_and_linear_is_that_of_its_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
