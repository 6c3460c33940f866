#include "launcher/print_text.h"

#include "proto/schema/utf8.h"

#include <stdio.h>

static size_t length(const char *text)
{
    size_t n = 0;
    for (; *text; n++)
        utf8_next(&text);
    return n;
}

void print_text(const char *text, size_t width)
{
    size_t room = length(text) <= width ? width : width - 3;
    const char *s = text;
    for (size_t i = 0; *s && i < room; i++) {
        const char *from = s;
        uint32_t c = utf8_next(&s);
        if (c == UTF8_BAD || c < ' ' || (c >= 0x7f && c < 0xa0))
            putchar('?');
        else
            fwrite(from, 1, (size_t)(s - from), stdout);
    }
    if (*s)
        fputs("...", stdout);
}
