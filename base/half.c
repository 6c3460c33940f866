#include "base/half.h"

#include <math.h>
#include <string.h>

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
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
