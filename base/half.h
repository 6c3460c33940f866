/* Conversion of 16-bit floating-point numbers to 32-bit ones, exact. */
#pragma once
#include <stdint.h>

float half_from_bf16(uint16_t bits);
float half_from_fp16(uint16_t bits);
