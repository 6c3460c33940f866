#include "tests/unit/support.h"

#include "base/half.h"

#include <math.h>

/* The IEEE 754 number of 1 sign bit, so many bits of exponent, and a fraction in the rest. */
static double meaning(uint16_t bits, int exponent_bits)
{
    int fraction_bits = 15 - exponent_bits, bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = bits >> fraction_bits & ((1 << exponent_bits) - 1),
        fraction = bits & ((1 << fraction_bits) - 1);
    double x;
    if (exponent == (1 << exponent_bits) - 1)
        x = fraction ? (double)NAN : (double)INFINITY;
    else if (exponent)
        x = ldexp(1 + ldexp(fraction, -fraction_bits), exponent - bias);
    else
        x = ldexp(fraction, 1 - bias - fraction_bits);
    return bits & 0x8000 ? -x : x;
}

static void check_half(uint32_t bits, double found, double expected)
{
    if (isnan(expected) ? !isnan(found)
                        : !(found == expected && !signbit(found) == !signbit(expected)))
        fail_msg("bits %04x: found %.9g, expected %.9g", bits, found, expected);
}

static void all_16_bit_numbers_become_exactly_what_they_mean(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        check_half(bits, (double)half_from_fp16((uint16_t)bits), meaning((uint16_t)bits, 5));
        check_half(bits, (double)half_from_bf16((uint16_t)bits), meaning((uint16_t)bits, 8));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_16_bit_numbers_become_exactly_what_they_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
