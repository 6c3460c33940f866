#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return -1;
}

int err_context(struct err *err, const char *format, ...)
{
    char sentence[sizeof err->text];
    memcpy(sentence, err->text, sizeof sentence);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t room = n >= 0 && (size_t)n < sizeof err->text ? sizeof err->text - (size_t)n : 0;
    if (room > sizeof ": ") // what does not fit is cut off
        snprintf(err->text + n, room, ": %.*s", (int)(room - sizeof ": "), sentence);
    return -1;
}
