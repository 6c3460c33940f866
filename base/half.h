/* 16-bit floating-point numbers into 32-bit ones, exactly. */
#pragma once
#include <stdint.h>

float half_from_bf16(uint16_t bits);
float half_from_fp16(uint16_t bits);
