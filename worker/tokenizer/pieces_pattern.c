#include "worker/tokenizer/pieces_pattern.h"

#include "base/text.h"
#include "worker/tokenizer/char_class.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { NAME_MAX_SIZE = 30 };

struct reading {
    const char *pattern, *at;
    struct text out;
    struct err *err;
};

static int refuse(struct reading *reading, const char *what)
{
    return err_set(reading->err, ERR_DATA,
                   "pattern \"%.200s\": found %s (at %zu), which is not taken here",
                   reading->pattern, what, (size_t)(reading->at - reading->pattern));
}

static void write_class(struct reading *reading, enum char_kind kind, bool in_brackets,
                        bool negated)
{
    if (!in_brackets)
        text_add(&reading->out, negated ? "[^" : "[");
    char_class_write(&reading->out, kind);
    if (!in_brackets)
        text_add(&reading->out, "]");
}

/* \p{Name} or \P{Name}; at is behind the p. */
static int read_property(struct reading *reading, bool in_brackets, bool negated)
{
    const char *name = reading->at + 1;
    size_t size = *reading->at == '{' ? strcspn(name, "}") : 0;
    if (size == 0 || size > NAME_MAX_SIZE || name[size] != '}')
        return refuse(reading, "a property without its name in braces");
    for (size_t i = 0; i < size; i++)
        if (!isalpha((unsigned char)name[i]) && name[i] != '_')
            return refuse(reading, "a property with a strange name");
    if (in_brackets && negated)
        return refuse(reading, "\\P in brackets");
    if (size == 1 && (*name == 'L' || *name == 'N'))
        write_class(reading, *name == 'L' ? CHAR_LETTER : CHAR_NUMBER, in_brackets, negated);
    else
        text_printf(&reading->out, "\\%c{%.*s}", negated ? 'P' : 'p', (int)size, name);
    reading->at = name + size + 1;
    return 0;
}

/* at is behind the backslash. */
static int read_escape(struct reading *reading, bool in_brackets, bool *is_class)
{
    char c = *reading->at;
    *is_class = false;
    if (c == 'p' || c == 'P' || c == 's' || c == 'S') {
        *is_class = true;
        reading->at++;
        if (c == 'p' || c == 'P')
            return read_property(reading, in_brackets, c == 'P');
        if (in_brackets && c == 'S')
            return refuse(reading, "\\S in brackets");
        write_class(reading, CHAR_SPACE, in_brackets, c == 'S');
        return 0;
    }
    if (c != 'r' && c != 'n' && c != 't' && !ispunct((unsigned char)c))
        return refuse(reading, "an unusual escape");
    text_printf(&reading->out, "\\%c", c);
    reading->at++;
    return 0;
}

/* at is behind the opening bracket. */
static int read_brackets(struct reading *reading)
{
    text_add(&reading->out, "[");
    if (*reading->at == '^') {
        text_add(&reading->out, "^");
        reading->at++;
    }
    if (*reading->at == ']')
        return refuse(reading, "an empty bracket expression");
    while (*reading->at != ']') {
        char c = *reading->at;
        bool is_class = false;
        if (c == '\0' || c == '[' || (c == '&' && reading->at[1] == '&'))
            return refuse(reading, "nested or open brackets");
        reading->at++;
        if (c == '\\') {
            if (read_escape(reading, true, &is_class) != 0)
                return -1;
        } else
            text_add_bytes(&reading->out, &c, 1);
        if (is_class && *reading->at == '-' && reading->at[1] != ']')
            return refuse(reading, "a range that begins with a class");
    }
    reading->at++;
    text_add(&reading->out, "]");
    return 0;
}

/* {m} {m,} {m,n}; at is behind the opening brace. */
static int read_count(struct reading *reading)
{
    const char *begin = reading->at;
    size_t digits = strspn(begin, "0123456789");
    const char *end = begin + digits;
    if (*end == ',')
        end += 1 + strspn(end + 1, "0123456789");
    if (digits == 0 || *end != '}' || end[1] == '+' || end[1] == '?')
        return refuse(reading, "an unusual count in braces");
    text_printf(&reading->out, "{%.*s}", (int)(end - begin), begin);
    reading->at = end + 1;
    return 0;
}

/* Whether a group consists of letters that both libraries fold alike: "ss" and "st" have single
 * characters that fold to them. */
static bool is_caseless(const char *group)
{
    for (; strchr("'|[]sdmtlvre", *group) && *group; group++)
        if (group[0] == 's' && (group[1] == 's' || group[1] == 't'))
            return false;
    return *group == ')';
}

/* at is behind the opening parenthesis. */
static int read_group(struct reading *reading)
{
    static const char *const kinds[] = {"?:", "?=", "?!"};
    text_add(&reading->out, "(");
    if (*reading->at != '?')
        return 0;
    if (strncmp(reading->at, "?i:", 3) == 0) {
        if (!is_caseless(reading->at + 3))
            return refuse(reading, "(?i: with other letters than those of contractions");
        text_add(&reading->out, "?i:");
        reading->at += 3;
        return 0;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strncmp(reading->at, kinds[i], 2) == 0) {
            text_add(&reading->out, kinds[i]);
            reading->at += 2;
            return 0;
        }
    }
    return refuse(reading, "an unusual group");
}

static int read_one(struct reading *reading)
{
    bool is_class;
    char c = *reading->at++;
    switch (c) {
    case '\\':
        return read_escape(reading, false, &is_class);
    case '[':
        return read_brackets(reading);
    case '(':
        return read_group(reading);
    case '{':
        return read_count(reading);
    case '^':
    case '$':
    case '.':
    case '}':
    case ']':
        reading->at--;
        return refuse(reading, "an anchor, a point, or a bracket without its partner");
    default:
        text_add_bytes(&reading->out, &c, 1);
        return 0;
    }
}

char *pieces_pattern_read(const char *pattern, struct err *err)
{
    struct reading reading = {.pattern = pattern, .at = pattern, .err = err};
    while (*reading.at) {
        if (read_one(&reading) != 0) {
            text_clear(&reading.out);
            return NULL;
        }
    }
    return text_take(&reading.out);
}
