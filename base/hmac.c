#include "base/hmac.h"

#include "base/check.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void hmac_sha256(unsigned char mac[HMAC_SIZE], const void *key, size_t key_size, const void *bytes,
                 size_t size)
{
    unsigned n = 0;
    ASSERT(key_size <= INT_MAX);
    const unsigned char *done = HMAC(EVP_sha256(), key, (int)key_size, bytes, size, mac, &n);
    ASSERT(done && n == HMAC_SIZE);
}

void hmac_pbkdf2(unsigned char key[HMAC_SIZE], const char *password, const void *salt,
                 size_t salt_size, unsigned rounds)
{
    ASSERT(rounds > 0 && rounds <= INT_MAX && salt_size <= INT_MAX && strlen(password) <= INT_MAX);
    const int done = PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, (int)salt_size,
                                       (int)rounds, EVP_sha256(), HMAC_SIZE, key);
    ASSERT(done == 1);
}

bool hmac_same(const void *a, const void *b, size_t size)
{
    const volatile unsigned char *x = a, *y = b;
    unsigned char differs = 0;
    for (size_t i = 0; i < size; i++)
        differs |= (unsigned char)(x[i] ^ y[i]);
    return differs == 0;
}

void hmac_hex(char *hex, const unsigned char *bytes, size_t size)
{
    hex[0] = 0;
    for (size_t i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hmac_from_hex(unsigned char *bytes, size_t size, const char *text)
{
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < 2 * size; i++)
        if (digit(text[i]) < 0)
            return false;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
    return true;
}
