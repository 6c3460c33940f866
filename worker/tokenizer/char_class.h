/* What a character is where text is cut into pieces: letter, number, space, or something else.
 *
 * Letters and numbers are Unicode 16's, as `tokenizers` has them: PCRE2's own, and the ranges that
 * newer versions of Unicode have added to those of Debian 12's PCRE2 (Unicode 14). Spaces are
 * Unicode's White_Space, which differs from PCRE2's \s in U+180E. */
#pragma once
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct text;

enum char_kind { CHAR_OTHER, CHAR_LETTER, CHAR_NUMBER, CHAR_SPACE };

struct char_class {
    uint8_t ascii[128];
    uint16_t pages[0x110000 / 256]; /* which row of kinds */
    uint8_t (*kinds)[256];
    size_t n_rows, room;
};

int char_class_open(struct char_class *char_class, struct err *err);
void char_class_close(struct char_class *char_class);

/* Adds what stands for \p{L}, \p{N} (kind CHAR_LETTER, CHAR_NUMBER) or \s inside of a bracket
 * expression of PCRE2. */
void char_class_write(struct text *pattern, enum char_kind kind);

/* The kind of the character at s, and its size in bytes. A byte that is not part of a valid
 * character is CHAR_OTHER of size 1. s < end. */
static inline unsigned char_class_next(const struct char_class *char_class, size_t *size,
                                       const unsigned char *s, const unsigned char *end)
{
    unsigned a = s[0], code;
    *size = 1;
    if (a < 0x80)
        return char_class->ascii[a];
    size_t left = (size_t)(end - s);
    if (a < 0xC2 || left < 2 || (s[1] & 0xC0) != 0x80)
        return CHAR_OTHER;
    if (a < 0xE0) {
        *size = 2;
        code = (a & 0x1F) << 6 | (s[1] & 0x3F);
    } else if (a < 0xF0) {
        if (left < 3 || (s[2] & 0xC0) != 0x80)
            return CHAR_OTHER;
        code = (a & 0x0F) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3F);
        if (code < 0x800 || (code >= 0xD800 && code < 0xE000))
            return CHAR_OTHER;
        *size = 3;
    } else {
        if (left < 4 || (s[2] & 0xC0) != 0x80 || (s[3] & 0xC0) != 0x80)
            return CHAR_OTHER;
        code = (a & 0x0F) << 18 | (s[1] & 0x3Fu) << 12 | (s[2] & 0x3Fu) << 6 | (s[3] & 0x3F);
        if (code < 0x10000 || code >= 0x110000)
            return CHAR_OTHER;
        *size = 4;
    }
    return char_class->kinds[char_class->pages[code >> 8]][code & 0xFF];
}
