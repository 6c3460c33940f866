#include "launcher/front/kernel_choice.h"

#include <stdlib.h>

void kernel_choice_set(void)
{
    setenv("OPENBLAS_NUM_THREADS", "1", 0); // the pool grows when compute.threads asks for it
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
#endif
}
