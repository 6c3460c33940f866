/* 16-bit floating-point numbers: bfloat16 and IEEE 754's binary16. Into 32-bit ones every number
 * goes exactly. Back it is rounded to the nearest, ties to even; what is too large becomes an
 * infinity, and what is no number stays none. */
#pragma once
#include <stdint.h>

float half_from_bf16(uint16_t bits);
float half_from_fp16(uint16_t bits);

uint16_t half_to_bf16(float x);
uint16_t half_to_fp16(float x);
