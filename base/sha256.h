/* SHA-256 digests, for data that must not be forged: chains of records. To find damage only,
 * base/digest.h is faster. */
#pragma once
#include <stddef.h>

enum { SHA256_HEX_SIZE = 65 }; /* 64 hexadecimal digits and a NUL */

void sha256_hex(char hex[SHA256_HEX_SIZE], const void *bytes, size_t size);
