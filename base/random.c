#include "base/random.h"

#include <math.h>

void random_block(uint32_t out[4], uint64_t key, uint64_t low, uint64_t high)
{
    uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32), c2 = (uint32_t)high,
             c3 = (uint32_t)(high >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

uint64_t random_u64(uint64_t key, uint64_t index)
{
    uint32_t w[4];
    random_block(w, key, index, 0);
    return (uint64_t)w[1] << 32 | w[0];
}

double random_uniform(uint64_t key, uint64_t index)
{
    return (double)(random_u64(key, index) >> 11) * 0x1p-53;
}

double random_normal(uint64_t key, uint64_t index)
{
    uint32_t w[4];
    random_block(w, key, index, 1);
    uint64_t a = (uint64_t)w[1] << 32 | w[0], b = (uint64_t)w[3] << 32 | w[2];
    double u = ((double)(a >> 11) + 1.0) * 0x1p-53; // in (0, 1], so that the logarithm is finite
    double v = (double)(b >> 11) * 0x1p-53;
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}
