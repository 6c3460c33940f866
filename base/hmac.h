/* HMAC-SHA256 (RFC 2104) and PBKDF2 with it (RFC 8018): for who must show that it knows a key
 * without telling it. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { HMAC_SIZE = 32 };

void hmac_sha256(unsigned char mac[HMAC_SIZE], const void *key, size_t key_size, const void *bytes,
                 size_t size);

/* The key that follows from a password after so many rounds (1 or more): as slow for who guesses
 * as for who knows. */
void hmac_pbkdf2(unsigned char key[HMAC_SIZE], const char *password, const void *salt,
                 size_t salt_size, unsigned rounds);

/* Whether the bytes are the same. Takes the same time wherever they differ. */
bool hmac_same(const void *a, const void *b, size_t size);

/* Bytes as lower-case hexadecimal digits and a NUL; and back: false, with bytes as they were,
 * unless text is exactly 2 * size of these digits. */
void hmac_hex(char *hex, const unsigned char *bytes, size_t size);
bool hmac_from_hex(unsigned char *bytes, size_t size, const char *text);
