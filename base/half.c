#include "base/half.h"

#include <math.h>
#include <string.h>

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t to_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Drops the last n bits of a positive number, 0 < n < 32: to the nearest, ties to even. */
static uint32_t round_off(uint32_t bits, unsigned n)
{
    uint32_t half = 1u << (n - 1), odd = bits >> n & 1;
    return (bits + half - 1 + odd) >> n;
}

float half_from_bf16(uint16_t bits)
{
    return from_bits((uint32_t)bits << 16);
}

float half_from_fp16(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16, exponent = bits >> 10 & 0x1f,
             fraction = bits & 0x3ff;
    if (exponent == 0x1f)
        return from_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent)
        return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float x = ldexpf((float)fraction, -24);
    return sign ? -x : x;
}

uint16_t half_to_bf16(float x)
{
    uint32_t bits = to_bits(x), size = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
    if (size > 0x7f800000)
        return (uint16_t)(sign | size >> 16 | 0x40); // none stays none where its last bits go
    return (uint16_t)(sign | round_off(size, 16));
}

uint16_t half_to_fp16(float x)
{
    uint32_t bits = to_bits(x), size = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
    uint32_t exponent = size >> 23, fraction = size & 0x7fffff;
    if (size > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | fraction >> 13);
    if (exponent >= 143) // 2^16 and above
        return (uint16_t)(sign | 0x7c00);
    if (exponent >= 113) // a carry out of the fraction raises the exponent, up to infinity
        return (uint16_t)(sign | round_off((exponent - 112) << 23 | fraction, 13));
    if (exponent < 102) // below half of the smallest, 2^-24
        return (uint16_t)sign;
    return (uint16_t)(sign | round_off(0x800000 | fraction, 126 - exponent));
}
