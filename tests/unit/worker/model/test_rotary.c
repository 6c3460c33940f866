/* Rotary tables, against the frequencies (inv_freq) that transformers 5.24 and 4.57 have. */
#include "tests/unit/support.h"

#include "proto/tensor/model_shape.h"
#include "worker/model/rotary.h"

#include <math.h>

enum { T = 3, HALF = 10 };

/* Heads of 20 numbers, theta 500000. */
static Trireme__Model config_of(Trireme__Model__RopeType type, double factor)
{
    struct err err;
    Trireme__Model config = TRIREME__MODEL__INIT;
    config.arch = TRIREME__MODEL__ARCH__llama;
    config.width = 64, config.heads = 4, config.head_dim = 2 * HALF, config.context = 1024;
    config.rope_theta = 5e5, config.rope_type = type, config.rope_factor = factor;
    if (type == TRIREME__MODEL__ROPE_TYPE__llama3)
        config.rope_low_freq_factor = 1, config.rope_high_freq_factor = 4,
        config.rope_original_context = 256;
    if (model_shape_resolve(&config, &err) < 0)
        fail_msg("%s", err.text);
    return config;
}

static void check_frequencies(const Trireme__Model *config, const double expected[HALF])
{
    float cosine[T * HALF], sine[T * HALF];
    rotary_tables(cosine, sine, config, T);
    for (size_t t = 0; t < T; t++)
        for (size_t i = 0; i < HALF; i++) {
            const double angle = (double)t * expected[i];
            const double c = (double)cosine[t * HALF + i], s = (double)sine[t * HALF + i];
            if (!(fabs(c - cos(angle)) <= 2e-7) || !(fabs(s - sin(angle)) <= 3e-7 * sin(angle)))
                fail_msg("position %zu, frequency %zu: found %.9g, %.9g, expected %.9g, %.9g", t, i,
                         c, s, cos(angle), sin(angle));
        }
}

static void llama3_leaves_short_wavelengths_and_stretches_long_ones(void **state)
{
    (void)state;
    const Trireme__Model config = config_of(TRIREME__MODEL__ROPE_TYPE__llama3, 8);
    check_frequencies(&config, (double[]){1, 0.269217312, 0.0503453724, 0.00243904022,
                                          0.00065663195, 0.000176776681, 4.7591333e-05,
                                          1.28124175e-05, 3.44932369e-06, 9.28618078e-07});
}

static void linear_divides_every_frequency(void **state)
{
    (void)state;
    const Trireme__Model config = config_of(TRIREME__MODEL__ROPE_TYPE__linear, 3);
    check_frequencies(&config, (double[]){0.333333343, 0.0897391066, 0.0241593197, 0.00650410727,
                                          0.00175101857, 0.000471404492, 0.000126910221,
                                          3.41664454e-05, 9.19819649e-06, 2.47631488e-06});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(llama3_leaves_short_wavelengths_and_stretches_long_ones),
        cmocka_unit_test(linear_divides_every_frequency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
