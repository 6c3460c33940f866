#include "math/kernels.h"

#include "base/check.h"
#include "math/kernels_reference.h"
#include "math/vector.h"

#include <gnu/libc-version.h>
#include <limits.h>
#include <stdio.h>

#ifdef HAVE_OPENBLAS
#include <cblas.h>

static void blas_gemm(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k, float alpha,
                      const float *a, size_t lda, const float *b, size_t ldb, float beta, float *c,
                      size_t ldc)
{
    ASSERT(m <= INT_MAX && n <= INT_MAX && k <= INT_MAX && lda <= INT_MAX && ldb <= INT_MAX &&
           ldc <= INT_MAX);
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                transpose_b ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k, alpha, a, (int)lda,
                b, (int)ldb, beta, c, (int)ldc);
}

static const char *blas_describe(void)
{
    // name, version, how it was built, and the kernels chosen for this processor
    return openblas_get_config();
}

static int blas_threads(void)
{
    return openblas_get_num_threads();
}

void kernels_set_threads(int threads)
{
    ASSERT(threads > 0);
    openblas_set_num_threads(threads);
}
#else
static const char *blas_describe(void)
{
    return "no BLAS";
}

static int blas_threads(void)
{
    return 1;
}

void kernels_set_threads(int threads)
{
    ASSERT(threads > 0); // the reference has one thread
}
#endif

const struct kernels *kernels_fast(void)
{
    // clang-format off
    static const struct kernels fast = {
        .name                    = "fast",
#ifdef HAVE_OPENBLAS
        .gemm                    = blas_gemm,
#else
        .gemm                    = kernels_reference_gemm,
#endif
        .add_rows                = kernels_reference_add_rows,
        .sum_rows                = vector_sum_rows,
        .layernorm               = vector_layernorm,
        .layernorm_backward      = vector_layernorm_backward,
        .rmsnorm                 = vector_rmsnorm,
        .rmsnorm_backward        = vector_rmsnorm_backward,
        .gelu                    = vector_gelu,
        .gelu_backward           = vector_gelu_backward,
        .swiglu                  = vector_swiglu,
        .swiglu_backward         = vector_swiglu_backward,
        .rotary                  = kernels_reference_rotary,
        .softmax_causal          = vector_softmax_causal,
        .softmax_causal_backward = vector_softmax_causal_backward,
        .cross_entropy           = vector_cross_entropy,
    };
    // clang-format on
    return &fast;
}

const struct kernels *kernels_best(void)
{
    return kernels_fast();
}

#if defined __AVX512F__
#define INSTRUCTIONS "avx512"
#elif defined __AVX2__
#define INSTRUCTIONS "avx2"
#elif defined __ARM_FEATURE_SVE
#define INSTRUCTIONS "sve"
#elif defined __ARM_NEON
#define INSTRUCTIONS "neon"
#else
#define INSTRUCTIONS "baseline"
#endif

/* libm chooses its code by processor; with fused multiplication the last bits differ. */
static const char *libm_variant(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("fma") ? "fma" : "no fma";
#else
    return "plain";
#endif
}

void kernels_fingerprint(char *line, size_t size, const struct kernels *kernels,
                         const char *precision)
{
    snprintf(line, size, "%s %s; %s, %d threads; built for %s by gcc %s; libm %s (%s)",
             kernels->name, precision, blas_describe(), blas_threads(), INSTRUCTIONS, __VERSION__,
             gnu_get_libc_version(), libm_variant());
}
