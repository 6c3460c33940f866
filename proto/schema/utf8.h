/* UTF-8, as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_BAD UINT32_MAX

/* The character at *s, which moves behind it; UTF8_BAD where there is none, and *s moves by one
 * byte. */
uint32_t utf8_next(const char **s);

bool utf8_valid(const char *s);

/* The text that bytes are; where they are none, and for a NUL, U+FFFD. Fresh. */
char *utf8_from_bytes(const void *bytes, size_t size);
