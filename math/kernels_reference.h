/* Private to math/: members of the reference that kernels_fast() uses too. Meanings:
 * math/kernels.h. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

void kernels_reference_gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                            float alpha, const float *a, size_t lda, const float *b, size_t ldb,
                            float beta, float *c, size_t ldc);
void kernels_reference_add_rows(float *y, const float *x, const float *bias, size_t rows,
                                size_t columns);
void kernels_reference_rotary(float *x, size_t ld, const float *cosine, const float *sine,
                              size_t rows, size_t heads, size_t width, bool inverse);
