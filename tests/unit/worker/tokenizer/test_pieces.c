#include "tests/unit/support.h"

#include "base/random.h"
#include "worker/tokenizer/pieces.h"

enum { MOST_PIECES = 4096, TEXT_SIZE = 200, TEXTS = 4000 };

static size_t cut(struct pieces_cursor *cursor, size_t ends[MOST_PIECES], const char *text,
                  size_t size)
{
    const unsigned char *piece;
    size_t piece_size, n = 0, at = 0;
    struct err err;
    int found;
    pieces_begin(cursor, text, size);
    while ((found = pieces_next(cursor, &piece, &piece_size, &err)) == 1) {
        assert_true(n < MOST_PIECES && piece_size > 0);
        assert_ptr_equal(piece, text + at);
        ends[n++] = at += piece_size;
    }
    if (found < 0)
        fail_msg("%s", err.text);
    assert_int_equal(at, size);
    return n;
}

static void open_pieces(struct pieces *pieces, const char *pattern, bool use_scanners)
{
    struct err err;
    if (pieces_open(pieces, pattern, use_scanners, &err) != 0)
        fail_msg("%s", err.text);
    if (pattern)
        assert_true(use_scanners ? pieces->scan != NULL : pieces->regex != NULL);
}

/* Text that gets into the corners of the patterns: their own characters more often than others. */
static size_t random_text(char *text, uint64_t key)
{
    static const char *const bits[] = {
        " ",      " ",        "  ",           "\n",         "\r\n",       "\t",
        "'",      "'s",       "'S",           "'ll",        "'LL",        "'ve",
        "'re",    "'D",       "'\u017f",      "a",          "the",        "Z",
        "\u00e9", "\u4e2d",   "\u0301",       "1",          "12",         "\u0661",
        "\u2167", "!",        "==",           "\u00a0",     "\u3000",     "\xc2\x85",
        "\u180e", "\u2028",   "\U0001f600",   "\U00031350", "\U0001e5f1", "\xff",
        "\xc3",   "\xe2\x82", "\xed\xa0\x80", "\u200b",     "\v",         "\x1c",
        "\x7f",
    };
    size_t size = 0;
    for (uint64_t i = 0; size < TEXT_SIZE - 8; i++) {
        uint64_t drawn = random_u64(key, i);
        if (drawn % 64 == 0 && i > 3)
            break;
        const char *bit = bits[(drawn >> 8) % (sizeof bits / sizeof *bits)];
        memcpy(text + size, bit, strlen(bit));
        size += strlen(bit);
    }
    if (random_u64(key, UINT64_MAX) % 8 == 0) // bytes at random, too
        for (size_t i = 0; i < size; i += 3)
            text[i] = (char)random_u64(key + 1, i);
    return size;
}

static void scanners_cut_as_pcre2_does(void **state)
{
    (void)state;
    const char *const patterns[] = {pieces_gpt2, pieces_llama3, pieces_qwen, pieces_smollm};
    for (size_t p = 0; p < 4; p++) {
        struct pieces fast, slow;
        struct pieces_cursor fast_cursor, slow_cursor;
        open_pieces(&fast, patterns[p], true);
        open_pieces(&slow, patterns[p], false);
        pieces_cursor_init(&fast_cursor, &fast);
        pieces_cursor_init(&slow_cursor, &slow);
        for (uint64_t t = 0; t < TEXTS; t++) {
            char text[TEXT_SIZE];
            size_t a[MOST_PIECES], b[MOST_PIECES];
            size_t size = random_text(text, 1000 * t + p);
            size_t n = cut(&fast_cursor, a, text, size), m = cut(&slow_cursor, b, text, size);
            for (size_t i = 0; i < n && i < m; i++)
                if (a[i] != b[i])
                    fail_msg("pattern %zu, text %d, piece %zu: found the end %zu, PCRE2's is %zu",
                             p, (int)t, i, a[i], b[i]);
            assert_int_equal(n, m);
        }
        pieces_cursor_clear(&fast_cursor);
        pieces_cursor_clear(&slow_cursor);
        pieces_close(&fast);
        pieces_close(&slow);
    }
}

/* Each piece ends where '|' stands in cuts. */
static void assert_cuts(const char *pattern, bool use_scanners, const char *cuts)
{
    struct pieces pieces;
    struct pieces_cursor cursor;
    char text[TEXT_SIZE];
    size_t ends[MOST_PIECES], expected[MOST_PIECES], n = 0, size = 0;
    for (const char *c = cuts; *c; c++) {
        if (*c == '|')
            expected[n++] = size;
        else
            text[size++] = *c;
    }
    expected[n++] = size;
    open_pieces(&pieces, pattern, use_scanners);
    pieces_cursor_init(&cursor, &pieces);
    size_t found = cut(&cursor, ends, text, size);
    for (size_t i = 0; i < n && i < found; i++)
        if (ends[i] != expected[i])
            fail_msg("%s: piece %zu: found the end %zu, expected %zu", cuts, i, ends[i],
                     expected[i]);
    assert_int_equal(found, n);
    pieces_cursor_clear(&cursor);
    pieces_close(&pieces);
}

static void characters_are_of_the_kinds_that_tokenizers_gives_them(void **state)
{
    (void)state;
    for (int use_scanners = 0; use_scanners < 2; use_scanners++) {
        // U+180E is no space; a letter and a number of Unicode 15 and 16 beside older ones
        assert_cuts(pieces_gpt2, use_scanners, "x| \u180e|y| a\U00031350| \U0001e5f1\u0661");
        assert_cuts(pieces_gpt2, use_scanners,
                    "a|\xc2\x85|"
                    "b| |\u3000|c");
        assert_cuts(pieces_llama3, use_scanners, "it|'S| x|'\u017f| '|x| ==\r\n| \n|\u00a0y|123|4");
        assert_cuts(pieces_gpt2, use_scanners, "x\U000323af\U00011f12|\U0001e5fa\u0661");
        assert_cuts(pieces_gpt2, use_scanners, "it|'|S| x|'s| '|x| ==|\r\n \n");
        assert_cuts(pieces_qwen, use_scanners, "1|2| |3|\t\n\n| | z");
        assert_cuts(pieces_smollm, use_scanners, "1|2|  |3|\t\n| z| | x|'s| |\u0661|.");
    }
}

static void what_no_match_covers_is_a_piece(void **state)
{
    (void)state;
    assert_cuts("b+", false, "aa|bb|c|b");
    assert_cuts("b+", false, "a\xff|b|\xff");
    assert_cuts(NULL, false, "the whole 12 of it\n");
}

static void refuses_patterns_that_may_mean_something_else(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "^a",      "a$",    ".",     "\\d",     "\\w+",    "\\bx",  "[a[b]]", "[a-z&&b]",
        "a{2}+",   "a{2}?", "a{,3}", "(?i:ss)", "(?<=a)b", "(?>a)", "[^\\S]", "[\\P{L}]",
        "[\\s-x]", "[]",    "\\pL",  "\\p{^L}", "[ab",     "(a",    "a]",     "\\",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct pieces pieces;
        struct err err = {0};
        if (pieces_open(&pieces, bad[i], true, &err) == 0)
            fail_msg("not refused: %s", bad[i]);
        assert_int_equal(err.code, ERR_DATA);
        assert_contains(err.text, bad[i]);
    }
}

static void refuses_to_go_on_after_an_empty_match(void **state)
{
    (void)state;
    struct pieces pieces;
    struct pieces_cursor cursor;
    struct err err = {0};
    const unsigned char *piece;
    size_t size;
    open_pieces(&pieces, "b*", false);
    pieces_cursor_init(&cursor, &pieces);
    pieces_begin(&cursor, "ba", 2);
    assert_int_equal(pieces_next(&cursor, &piece, &size, &err), 1);
    assert_int_equal(pieces_next(&cursor, &piece, &size, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "empty text at byte 1");
    pieces_cursor_clear(&cursor);
    pieces_close(&pieces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scanners_cut_as_pcre2_does),
        cmocka_unit_test(characters_are_of_the_kinds_that_tokenizers_gives_them),
        cmocka_unit_test(what_no_match_covers_is_a_piece),
        cmocka_unit_test(refuses_patterns_that_may_mean_something_else),
        cmocka_unit_test(refuses_to_go_on_after_an_empty_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
