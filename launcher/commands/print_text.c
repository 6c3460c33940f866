#include "launcher/commands/print_text.h"

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
        if (utf8_is_shown(utf8_next(&s)))
            fwrite(from, 1, (size_t)(s - from), stdout);
        else
            putchar('?');
    }
    if (*s)
        fputs("...", stdout);
}
