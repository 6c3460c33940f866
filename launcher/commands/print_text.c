#include "launcher/commands/print_text.h"

#include "proto/schema/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static size_t length(const char *text)
{
    size_t n = 0;
    for (; *text; n++)
        utf8_next(&text);
    return n;
}

/* Whether a character changes the direction of those behind it, so that a line reads as what it is
 * not. */
static bool turns_text(uint32_t c)
{
    return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

void print_text(const char *text, size_t width)
{
    size_t room = length(text) <= width ? width : width - 3;
    const char *s = text;
    for (size_t i = 0; *s && i < room; i++) {
        const char *from = s;
        uint32_t c = utf8_next(&s);
        if (c == UTF8_BAD || c < ' ' || (c >= 0x7f && c < 0xa0) || turns_text(c))
            putchar('?');
        else
            fwrite(from, 1, (size_t)(s - from), stdout);
    }
    if (*s)
        fputs("...", stdout);
}
