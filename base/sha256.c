#include "base/sha256.h"

#include "base/check.h"

#include <openssl/evp.h>
#include <stdio.h>

void sha256_hex(char hex[SHA256_HEX_SIZE], const void *bytes, size_t size)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int done = EVP_Digest(bytes, size, digest, &n, EVP_sha256(), NULL);
    ASSERT(done == 1 && 2 * n + 1 == SHA256_HEX_SIZE);
    for (unsigned i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}
