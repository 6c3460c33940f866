#include "worker/tokenizer/pieces.h"

#include "base/mem.h"
#include "worker/tokenizer/pieces_pattern.h"
#include "worker/tokenizer/pieces_scan.h"
#include "worker/tokenizer/regex.h"

#include <stdlib.h>
#include <string.h>

const char pieces_gpt2[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const char pieces_llama3[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const char pieces_qwen[] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
                           " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const char pieces_smollm[] = "\\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?[^\\s\\p{L}\\p{N}]+|"
                             "\\s+(?=\\p{N})|\\s+(?!\\S)|\\s+";

static const struct known {
    const char *pattern;
    pieces_scan_fn scan;
} known[] = {
    {pieces_gpt2,   pieces_scan_gpt2  },
    {pieces_llama3, pieces_scan_llama3},
    {pieces_qwen,   pieces_scan_qwen  },
    {pieces_smollm, pieces_scan_smollm},
};

int pieces_open(struct pieces *pieces, const char *pattern, bool use_scanners, struct err *err)
{
    *pieces = (struct pieces){0};
    if (char_class_open(&pieces->char_class, err) != 0)
        return -1;
    if (!pattern)
        return 0;
    for (size_t i = 0; use_scanners && i < sizeof known / sizeof *known; i++)
        if (strcmp(pattern, known[i].pattern) == 0)
            pieces->scan = known[i].scan;
    if (pieces->scan)
        return 0;
    char *translated = pieces_pattern_read(pattern, err);
    if (translated)
        pieces->regex = regex_open(translated, err);
    free(translated);
    if (!pieces->regex) {
        pieces_close(pieces);
        return -1;
    }
    return 0;
}

void pieces_close(struct pieces *pieces)
{
    char_class_close(&pieces->char_class);
    regex_close(pieces->regex);
    *pieces = (struct pieces){0};
}

bool pieces_end_before_spaces(const struct pieces *pieces)
{
    return pieces->scan != NULL;
}

void pieces_cursor_init(struct pieces_cursor *cursor, const struct pieces *pieces)
{
    *cursor = (struct pieces_cursor){.pieces = pieces};
    if (pieces->regex)
        cursor->space = regex_space_new(pieces->regex);
}

void pieces_cursor_clear(struct pieces_cursor *cursor)
{
    regex_space_free(cursor->space);
    free(cursor->clean);
    *cursor = (struct pieces_cursor){0};
}

/* Has cursor->seen be the text with a DEL for each byte that is not of a valid character. */
static void clean(struct pieces_cursor *cursor)
{
    const unsigned char *text = cursor->text, *end = text + cursor->size;
    cursor->seen = (const char *)text;
    size_t size;
    for (size_t at = 0; at < cursor->size; at += size) {
        char_class_next(&cursor->pieces->char_class, &size, text + at, end);
        if (size > 1 || text[at] < 0x80)
            continue;
        if (cursor->seen != cursor->clean) {
            if (cursor->clean_room < cursor->size) {
                cursor->clean_room = cursor->size;
                cursor->clean = mem_resize(cursor->clean, cursor->size, 1);
            }
            memcpy(cursor->clean, text, cursor->size);
            cursor->seen = cursor->clean;
        }
        cursor->clean[at] = 0x7f;
    }
}

void pieces_begin(struct pieces_cursor *cursor, const void *text, size_t size)
{
    cursor->text = text;
    cursor->size = size;
    cursor->at = cursor->next = cursor->next_end = 0;
    if (cursor->pieces->regex)
        clean(cursor);
}

/* Finds the next match, or the end of the text. An empty match is refused. */
static int find_next(struct pieces_cursor *cursor, struct err *err)
{
    int found = regex_find(cursor->pieces->regex, cursor->space, &cursor->next, &cursor->next_end,
                           cursor->seen, cursor->size, cursor->at, err);
    if (found == 0)
        cursor->next = cursor->next_end = cursor->size;
    else if (found == 1 && cursor->next_end == cursor->next)
        return err_set(err, ERR_DATA,
                       "the tokenizer's pattern matches the empty text at byte %zu, expected "
                       "matches of at least one character",
                       cursor->next);
    return found < 0 ? -1 : 0;
}

int pieces_next(struct pieces_cursor *cursor, const unsigned char **piece, size_t *size,
                struct err *err)
{
    if (cursor->at >= cursor->size)
        return 0;
    const unsigned char *begin = cursor->text + cursor->at;
    size_t end = cursor->size;
    if (cursor->pieces->scan)
        end = (size_t)(cursor->pieces->scan(&cursor->pieces->char_class, begin,
                                            cursor->text + cursor->size) -
                       cursor->text);
    else if (cursor->pieces->regex) {
        if (cursor->at >= cursor->next_end && find_next(cursor, err) != 0)
            return -1;
        end = cursor->at < cursor->next ? cursor->next : cursor->next_end;
    }
    *piece = begin;
    *size = end - cursor->at;
    cursor->at = end;
    return 1;
}
