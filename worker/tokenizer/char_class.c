#include "worker/tokenizer/char_class.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"
#include "worker/tokenizer/regex.h"

#include <stdlib.h>
#include <string.h>

struct range {
    uint32_t first, last;
};

// Letters and numbers of Unicode 16 that Unicode 14 does not have (extracted from
// DerivedGeneralCategory.txt of both).
static const struct range new_letters[] = {
    {0x1c89,  0x1c8a },
    {0xa7cb,  0xa7cd },
    {0xa7da,  0xa7dc },
    {0x105c0, 0x105f3},
    {0x10d4a, 0x10d65},
    {0x10d6f, 0x10d85},
    {0x10ec2, 0x10ec4},
    {0x1123f, 0x11240},
    {0x11380, 0x11389},
    {0x1138b, 0x1138b},
    {0x1138e, 0x1138e},
    {0x11390, 0x113b5},
    {0x113b7, 0x113b7},
    {0x113d1, 0x113d1},
    {0x113d3, 0x113d3},
    {0x11bc0, 0x11be0},
    {0x11f02, 0x11f02},
    {0x11f04, 0x11f10},
    {0x11f12, 0x11f33},
    {0x1342f, 0x1342f},
    {0x13441, 0x13446},
    {0x13460, 0x143fa},
    {0x16100, 0x1611d},
    {0x16d40, 0x16d6c},
    {0x18cff, 0x18cff},
    {0x1b132, 0x1b132},
    {0x1b155, 0x1b155},
    {0x1df25, 0x1df2a},
    {0x1e030, 0x1e06d},
    {0x1e4d0, 0x1e4eb},
    {0x1e5d0, 0x1e5ed},
    {0x1e5f0, 0x1e5f0},
    {0x2b739, 0x2b739},
    {0x2ebf0, 0x2ee5d},
    {0x31350, 0x323af},
};
static const struct range new_numbers[] = {
    {0x10d40, 0x10d49},
    {0x116d0, 0x116e3},
    {0x11bf0, 0x11bf9},
    {0x11f50, 0x11f59},
    {0x16130, 0x16139},
    {0x16d70, 0x16d79},
    {0x1ccf0, 0x1ccf9},
    {0x1d2c0, 0x1d2d3},
    {0x1e4f0, 0x1e4f9},
    {0x1e5f1, 0x1e5fa},
};

static void write_ranges(struct text *pattern, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        text_printf(pattern, "\\x{%x}-\\x{%x}", ranges[i].first, ranges[i].last);
}

void char_class_write(struct text *pattern, enum char_kind kind)
{
    if (kind == CHAR_SPACE) {
        text_add(pattern, "\\p{Z}\\t-\\r\\x{85}");
        return;
    }
    ASSERT(kind == CHAR_LETTER || kind == CHAR_NUMBER);
    text_add(pattern, kind == CHAR_LETTER ? "\\p{L}" : "\\p{N}");
    if (kind == CHAR_LETTER)
        write_ranges(pattern, new_letters, sizeof new_letters / sizeof *new_letters);
    else
        write_ranges(pattern, new_numbers, sizeof new_numbers / sizeof *new_numbers);
}

static size_t write_utf8(char *at, uint32_t code)
{
    if (code < 0x80) {
        at[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        at[i] = (char)(0x80 | (code & 0x3F));
    at[0] = (char)((n == 2 ? 0xC0 : n == 3 ? 0xE0 : 0xF0) | code);
    return n;
}

/* Gives kind to all characters that match; all: (1114112), the kinds by code. */
static int mark(uint8_t *all, enum char_kind kind, const char *text, size_t size, struct err *err)
{
    struct text pattern = {0};
    text_add(&pattern, "[");
    char_class_write(&pattern, kind);
    text_add(&pattern, "]+");
    struct regex *regex = regex_open(pattern.bytes, err);
    text_clear(&pattern);
    if (!regex)
        return -1;
    struct regex_space *space = regex_space_new(regex);
    size_t at = 0, begin, end;
    uint32_t code = 0;
    int found;
    while ((found = regex_find(regex, space, &begin, &end, text, size, at, err)) == 1) {
        for (; at < end; at++) {
            if ((text[at] & 0xC0) == 0x80)
                continue; // the later bytes of a character
            if (at >= begin)
                all[code] = (uint8_t)kind;
            code = code == 0xD7FF ? 0xE000 : code + 1;
        }
    }
    regex_space_free(space);
    regex_close(regex);
    return found;
}

static void make_pages(struct char_class *char_class, const uint8_t *all)
{
    for (size_t page = 0; page < 0x110000 / 256; page++) {
        size_t row = 0;
        while (row < char_class->n_rows &&
               memcmp(char_class->kinds[row], all + 256 * page, 256) != 0)
            row++;
        if (row == char_class->n_rows) {
            char_class->kinds =
                mem_grow(char_class->kinds, row, &char_class->room, sizeof *char_class->kinds);
            memcpy(char_class->kinds[char_class->n_rows++], all + 256 * page, 256);
        }
        char_class->pages[page] = (uint16_t)row;
    }
    memcpy(char_class->ascii, all, sizeof char_class->ascii);
}

int char_class_open(struct char_class *char_class, struct err *err)
{
    *char_class = (struct char_class){0};
    uint8_t *all = mem_new(0x110000, 1);
    char *text = mem_new(0x110000, 4);
    size_t size = 0;
    for (uint32_t code = 0; code < 0x110000; code = code == 0xD7FF ? 0xE000 : code + 1)
        size += write_utf8(text + size, code);
    int result = 0;
    for (enum char_kind kind = CHAR_LETTER; kind <= CHAR_SPACE && result == 0; kind++)
        result = mark(all, kind, text, size, err);
    if (result == 0)
        make_pages(char_class, all);
    free(text);
    free(all);
    return result;
}

void char_class_close(struct char_class *char_class)
{
    free(char_class->kinds);
    *char_class = (struct char_class){0};
}
