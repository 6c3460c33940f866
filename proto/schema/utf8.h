/* UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_BAD UINT32_MAX

/* Returns the character at *s and moves *s past it. Where there is no valid one, returns UTF8_BAD
 * and moves *s by one byte. */
uint32_t utf8_next(const char **s);

bool utf8_valid(const char *s);

/* Whether a character, or UTF8_BAD, may be shown as it is: it does not control a terminal, and does
 * not turn the direction of those behind it, so that a line reads as what it is not. */
bool utf8_is_shown(uint32_t c);

/* Returns a text of others so that it may be shown in a line, with a '?' for each character that
 * may not; the caller frees it. */
char *utf8_shown(const char *s);

/* Returns bytes as text, which the caller frees. Bytes that are not valid, and a NUL, become
 * U+FFFD. */
char *utf8_from_bytes(const void *bytes, size_t size);
