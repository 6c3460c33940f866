#include "proto/schema/number.h"

#include "base/check.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double read_back(const char *text, bool single)
{
    double value = strtod(text, NULL);
    return single ? (double)(float)value : value; // through double, as number_read rounds too
}

void number_write(char text[NUMBER_SIZE], double value, bool single)
{
    ASSERT(isfinite(value));
    if (value == 0) { // JSON readers would lose the sign of -0
        strcpy(text, signbit(value) ? "-0.0" : "0");
        return;
    }
    char digits[NUMBER_SIZE];
    for (int n = single ? 6 : 15; n <= 17; n++) {
        snprintf(digits, sizeof digits, "%.*g", n, value);
        if (read_back(digits, single) == value)
            break;
    }
    char *e = strchr(digits, 'e');
    if (!e) {
        memcpy(text, digits, sizeof digits);
        return;
    }
    *e = 0;
    const char *point = strchr(digits, '.') ? "" : ".0";
    snprintf(text, NUMBER_SIZE, "%.24s%s%c%c%d", digits, point, 'e', e[1], atoi(e + 2));
}

void number_write_real(char text[NUMBER_SIZE], double value)
{
    char digits[NUMBER_SIZE];
    number_write(digits, value, false);
    snprintf(text, NUMBER_SIZE, "%.28s%s", digits, strpbrk(digits, ".e") ? "" : ".0");
}

bool number_is_literal(const char *text)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return true;
    bool negative;
    uint64_t size;
    if (number_read_whole(&negative, &size, text))
        return *text != '+' && size <= INT64_MAX && !(negative && size == 0);
    double value;
    char again[NUMBER_SIZE];
    if (!number_read(&value, text, false))
        return false;
    number_write_real(again, value);
    return strcmp(text, again) == 0;
}

static const char *skip_digits(const char *s)
{
    while (isdigit((unsigned char)*s))
        s++;
    return s;
}

bool number_read(double *value, const char *text, bool single)
{
    const char *s = text + (*text == '-' || *text == '+');
    const char *whole = skip_digits(s), *end = whole;
    if (*end == '.')
        end = skip_digits(end + 1);
    if (end - s - (*whole == '.') == 0)
        return false; // no digit at all
    size_t mantissa = (size_t)(end - s);
    if (*end == 'e' || *end == 'E') {
        const char *exponent = end + 1 + (end[1] == '-' || end[1] == '+');
        end = skip_digits(exponent);
        if (end == exponent)
            return false;
    }
    if (*end)
        return false;
    double v = read_back(text, single);
    bool says_zero = strcspn(s, "123456789") >= mantissa;
    if (!isfinite(v) || (v == 0 && !says_zero))
        return false;
    *value = v;
    return true;
}

bool number_read_whole(bool *negative, uint64_t *size, const char *text)
{
    const char *s = text + (*text == '-' || *text == '+');
    if (s == skip_digits(s) || *skip_digits(s) || (s[0] == '0' && s[1]))
        return false;
    errno = 0;
    unsigned long long n = strtoull(s, NULL, 10);
    if (errno)
        return false;
    *negative = *text == '-';
    *size = n;
    return true;
}
