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

struct format {
    float (*from)(uint16_t);
    uint16_t (*to)(float);
    uint16_t infinity;
};
static const struct format formats[] = {
    {half_from_fp16, half_to_fp16, 0x7c00},
    {half_from_bf16, half_to_bf16, 0x7f80}
};

static void every_16_bit_number_comes_back_with_its_bits(void **state)
{
    (void)state;
    for (int f = 0; f < 2; f++)
        for (unsigned bits = 0; bits < 65536; bits++) {
            float x = formats[f].from((uint16_t)bits);
            if (isnan(x))
                assert_true(isnan(formats[f].from(formats[f].to(x))));
            else
                assert_int_equal(formats[f].to(x), bits);
        }
}

static void numbers_in_between_go_to_the_nearest_and_ties_to_the_even_one(void **state)
{
    (void)state;
    for (int f = 0; f < 2; f++)
        for (unsigned bits = 0; bits + 1u < formats[f].infinity; bits++) {
            double low = (double)formats[f].from((uint16_t)bits),
                   high = (double)formats[f].from((uint16_t)(bits + 1));
            float middle = (float)((low + high) / 2); // exact, 16-bit numbers are sparse
            assert_int_equal(formats[f].to(middle), bits % 2 ? bits + 1 : bits);
            assert_int_equal(formats[f].to(nextafterf(middle, 0)), bits);
            assert_int_equal(formats[f].to(nextafterf(middle, INFINITY)), bits + 1);
            assert_int_equal(formats[f].to(-middle), 0x8000 | (bits % 2 ? bits + 1 : bits));
        }
}

static void what_is_too_large_becomes_an_infinity_and_none_stays_none(void **state)
{
    (void)state;
    assert_int_equal(half_to_fp16(65519.0f), 0x7bff);
    assert_int_equal(half_to_fp16(65520.0f), 0x7c00);
    assert_int_equal(half_to_fp16(1e30f), 0x7c00);
    assert_int_equal(half_to_fp16(-INFINITY), 0xfc00);
    assert_int_equal(half_to_bf16(3.4e38f), 0x7f80);
    uint32_t low = 0x7f800001; // its set bit is one that goes
    float nan;
    memcpy(&nan, &low, sizeof nan);
    assert_true(isnan(half_from_bf16(half_to_bf16(nan))));
    assert_true(isnan(half_from_fp16(half_to_fp16(nan))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_16_bit_numbers_become_exactly_what_they_mean),
        cmocka_unit_test(every_16_bit_number_comes_back_with_its_bits),
        cmocka_unit_test(numbers_in_between_go_to_the_nearest_and_ties_to_the_even_one),
        cmocka_unit_test(what_is_too_large_becomes_an_infinity_and_none_stays_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
