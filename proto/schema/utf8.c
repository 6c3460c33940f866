#include "proto/schema/utf8.h"

#include "base/text.h"

#include <stdlib.h>

uint32_t utf8_next(const char **s)
{
    const unsigned char *p = (const unsigned char *)*s;
    unsigned n = p[0] < 0x80 ? 0 : p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : 1; // bytes that follow
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    (*s)++;
    if ((p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4)
        return UTF8_BAD;
    uint32_t c = n ? p[0] & (0x3fu >> n) : p[0];
    for (unsigned i = 1; i <= n; i++) {
        if ((p[i] & 0xc0) != 0x80) // the NUL at the end too
            return UTF8_BAD;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return UTF8_BAD;
    *s += n;
    return c;
}

bool utf8_valid(const char *s)
{
    while (*s)
        if (utf8_next(&s) == UTF8_BAD)
            return false;
    return true;
}

static bool turns_text(uint32_t c)
{
    return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

bool utf8_is_shown(uint32_t c)
{
    return c != UTF8_BAD && c >= ' ' && (c < 0x7f || c >= 0xa0) && c != 0x2028 && c != 0x2029 &&
           !turns_text(c);
}

char *utf8_shown(const char *s)
{
    struct text text = {0};
    while (*s) {
        const char *from = s;
        if (utf8_is_shown(utf8_next(&s)))
            text_add_bytes(&text, from, (size_t)(s - from));
        else
            text_add(&text, "?");
    }
    return text_take(&text);
}

char *utf8_from_bytes(const void *bytes, size_t size)
{
    struct text ended = {0}, text = {0};
    text_add_bytes(&ended, bytes, size); // ends with a NUL, which utf8_next stops at
    for (const char *s = ended.bytes; s < ended.bytes + size;) {
        const char *from = s;
        uint32_t c = utf8_next(&s);
        if (c == UTF8_BAD || c == 0)
            text_add(&text, "\xef\xbf\xbd");
        else
            text_add_bytes(&text, from, (size_t)(s - from));
    }
    text_clear(&ended);
    return text_take(&text);
}
