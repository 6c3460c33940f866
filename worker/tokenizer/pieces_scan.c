#include "worker/tokenizer/pieces_scan.h"

#include "worker/tokenizer/char_class.h"

#include <stdbool.h>

/* The end of the run of characters of one kind that begins at s. */
static const unsigned char *run(const struct char_class *char_class, unsigned kind,
                                const unsigned char *s, const unsigned char *end)
{
    size_t size;
    while (s < end && char_class_next(char_class, &size, s, end) == kind)
        s += size;
    return s;
}

/* 's 't 're 've 'm 'll 'd: their end, or NULL. any_case: capitals too, and U+017F, which is an s
 * then. *s is the apostrophe. */
static const unsigned char *contraction(const unsigned char *s, const unsigned char *end,
                                        bool any_case)
{
    size_t left = (size_t)(end - s);
    if (left < 2)
        return NULL;
    unsigned fold = any_case ? 0x20 : 0; // no other byte than a capital becomes one of the letters
    unsigned a = s[1] | fold, b = left > 2 ? s[2] | fold : 0;
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return s + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))
        return s + 3;
    if (any_case && left > 2 && s[1] == 0xC5 && s[2] == 0xBF)
        return s + 3;
    return NULL;
}

/* \s+(?!\S)|\s+ : a run of spaces without its last one where something follows. */
static const unsigned char *spaces(const struct char_class *char_class, const unsigned char *s,
                                   const unsigned char *end)
{
    const unsigned char *at = s, *last = s;
    size_t size;
    while (at < end && char_class_next(char_class, &size, at, end) == CHAR_SPACE) {
        last = at;
        at += size;
    }
    return at == end || last == s ? at : last;
}

const unsigned char *pieces_scan_gpt2(const struct char_class *char_class, const unsigned char *s,
                                      const unsigned char *end)
{
    if (*s == '\'') {
        const unsigned char *found = contraction(s, end, false);
        if (found)
            return found;
    }
    size_t size;
    const unsigned char *first = *s == ' ' && s + 1 < end ? s + 1 : s;
    unsigned kind = char_class_next(char_class, &size, first, end);
    if (kind != CHAR_SPACE)
        return run(char_class, kind, first + size, end);
    return spaces(char_class, s, end);
}

/* Symbols and the line ends behind them. */
static const unsigned char *others(const struct char_class *char_class, const unsigned char *s,
                                   const unsigned char *end)
{
    s = run(char_class, CHAR_OTHER, s, end);
    while (s < end && (*s == '\r' || *s == '\n'))
        s++;
    return s;
}

/* \s*[\r\n]+|\s+(?!\S)|\s+ : spaces up to the last line end of the run, else as `spaces`. */
static const unsigned char *spaces_and_lines(const struct char_class *char_class,
                                             const unsigned char *s, const unsigned char *end)
{
    const unsigned char *at = s, *last = s, *line_end = NULL;
    size_t size;
    while (at < end && char_class_next(char_class, &size, at, end) == CHAR_SPACE) {
        last = at;
        at += size;
        if (*last == '\r' || *last == '\n')
            line_end = at;
    }
    if (line_end)
        return line_end;
    return at == end || last == s ? at : last;
}

static inline const unsigned char *scan(const struct char_class *char_class, const unsigned char *s,
                                        const unsigned char *end, unsigned digits)
{
    if (*s == '\'') {
        const unsigned char *found = contraction(s, end, true);
        if (found)
            return found;
    }
    size_t size, next_size;
    unsigned kind = char_class_next(char_class, &size, s, end);
    const unsigned char *next = s + size;
    switch (kind) {
    case CHAR_LETTER:
        return run(char_class, CHAR_LETTER, next, end);
    case CHAR_NUMBER:
        while (--digits > 0 && next < end &&
               char_class_next(char_class, &size, next, end) == CHAR_NUMBER)
            next += size;
        return next;
    default:
        break;
    }
    unsigned next_kind =
        next < end ? char_class_next(char_class, &next_size, next, end) : CHAR_SPACE;
    if (next_kind == CHAR_LETTER && *s != '\r' && *s != '\n')
        return run(char_class, CHAR_LETTER, next + next_size, end);
    if (kind == CHAR_OTHER)
        return others(char_class, next, end);
    if (*s == ' ' && next_kind == CHAR_OTHER)
        return others(char_class, next + next_size, end);
    return spaces_and_lines(char_class, s, end);
}

const unsigned char *pieces_scan_llama3(const struct char_class *char_class, const unsigned char *s,
                                        const unsigned char *end)
{
    return scan(char_class, s, end, 3);
}

const unsigned char *pieces_scan_qwen(const struct char_class *char_class, const unsigned char *s,
                                      const unsigned char *end)
{
    return scan(char_class, s, end, 1);
}

const unsigned char *pieces_scan_smollm(const struct char_class *char_class, const unsigned char *s,
                                        const unsigned char *end)
{
    size_t size;
    const unsigned kind = char_class_next(char_class, &size, s, end);
    if (kind == CHAR_NUMBER)
        return s + size;
    if (kind == CHAR_SPACE) {
        const unsigned char *behind = run(char_class, CHAR_SPACE, s + size, end);
        if (behind < end && char_class_next(char_class, &size, behind, end) == CHAR_NUMBER)
            return behind; // the text between two numbers ends there
    }
    return pieces_scan_gpt2(char_class, s, end);
}
