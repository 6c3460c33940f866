/* The update rules adamw and sgd, which are called through optimizer.h. */
#include "tests/unit/support.h"

#include "math/optimizer.h"

#include <math.h>

/* The values are torch 1.13's, in float32: two steps on w = [1, -2, 0.5], g1 = [0.1, -0.2, 0.3], g2
 * = [-0.4, 0.5, 0.6]. */
static const float gradients[2][3] = {
    {0.1f,  -0.2f, 0.3f},
    {-0.4f, 0.5f,  0.6f}
};

static void adamw_is_torchs(void **state)
{
    (void)state;
    float w[3] = {1, -2, 0.5f}, m[3] = {0}, v[3] = {0}, *moments[] = {m, v};
    struct optimizer_step step = {
        .lr = 0.01, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .scale = 1};
    for (step.step = 1; step.step <= 2; step.step++)
        optimizer_adamw.update(w, moments, gradients[step.step - 1], 3, &step);
    const float expected[3] = {0.993545055f, -1.99039459f, 0.479430646f};
    assert_floats_near(w, expected, 3, 0, 3e-7);
}

static void sgd_is_torchs(void **state)
{
    (void)state;
    float w[3] = {1, -2, 0.5f}, buffer[3] = {0}, *moments[] = {buffer};
    struct optimizer_step step = {.lr = 0.01, .momentum = 0.9, .weight_decay = 0.1, .scale = 1};
    for (step.step = 1; step.step <= 2; step.step++)
        optimizer_sgd.update(w, moments, gradients[step.step - 1], 3, &step);
    const float expected[3] = {0.999202013f, -1.99540401f, 0.48685348f};
    assert_floats_near(w, expected, 3, 0, 3e-7);
}

/* The moments that an update made, and the weights before it, tell what it was. */
static void the_delta_of_a_state_is_the_update_that_made_it(void **state)
{
    (void)state;
    const struct optimizer_rule *const rules[] = {&optimizer_adamw, &optimizer_sgd};
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        float w[3] = {1, -2, 0.5f}, m[3] = {0}, v[3] = {0}, *moments[] = {m, v}, before[3],
              delta[3];
        struct optimizer_step step = {.lr = 0.01,
                                      .beta1 = 0.9,
                                      .beta2 = 0.95,
                                      .eps = 1e-3,
                                      .momentum = 0.9,
                                      .weight_decay = 0.1,
                                      .scale = 1};
        for (step.step = 1; step.step <= 2; step.step++) {
            memcpy(before, w, sizeof before);
            rules[r]->update(w, moments, gradients[step.step - 1], 3, &step);
            rules[r]->delta(delta, before, moments, 3, &step);
            for (int i = 0; i < 3; i++)
                before[i] = w[i] - before[i];
            assert_floats_near(delta, before, 3, 1e-4, 3e-7);
        }
    }
}

static void an_update_does_not_depend_on_where_the_array_is_cut(void **state)
{
    (void)state;
    enum { N = 1003 };
    static float g[N], a[3][N], b[3][N];
    for (int i = 0; i < N; i++)
        g[i] = sinf((float)i), a[0][i] = b[0][i] = cosf((float)i);
    struct optimizer_step step = {.lr = 0.01,
                                  .beta1 = 0.9,
                                  .beta2 = 0.95,
                                  .eps = 1e-8,
                                  .weight_decay = 0.1,
                                  .scale = 0.7f,
                                  .step = 3};
    optimizer_adamw.update(a[0], (float *[]){a[1], a[2]}, g, N, &step);
    for (size_t at = 0, n; at < N; at += n) {
        n = at % 13 + 1 < N - at ? at % 13 + 1 : N - at;
        optimizer_adamw.update(b[0] + at, (float *[]){b[1] + at, b[2] + at}, g + at, n, &step);
    }
    assert_memory_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw_is_torchs),
        cmocka_unit_test(sgd_is_torchs),
        cmocka_unit_test(the_delta_of_a_state_is_the_update_that_made_it),
        cmocka_unit_test(an_update_does_not_depend_on_where_the_array_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
