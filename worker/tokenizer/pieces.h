/* Cuts text into the pieces ("words") that BPE works on; no token reaches over their edges.
 *
 * A pattern is an expression of tokenizer.json; its matches are pieces, and so is what stands
 * between them. The patterns of GPT-2, Llama 3, Qwen and SmolLM have scanners written by hand,
 * which give the same pieces as PCRE2 does for them, several times faster. Other patterns go to
 * PCRE2, if they consist of what means the same there as in Oniguruma, the library of `tokenizers`.
 */
#pragma once
#include "base/err.h"
#include "worker/tokenizer/char_class.h"

#include <stdbool.h>
#include <stddef.h>

struct regex;
struct regex_space;

/* The known patterns. SmolLM's stands for two steps: each number is a text of its own, and what is
 * between them is cut as GPT-2 does. */
extern const char pieces_gpt2[], pieces_llama3[], pieces_qwen[], pieces_smollm[];

/* Returns the end of the piece that begins at s. s < end. */
typedef const unsigned char *(*pieces_scan_fn)(const struct char_class *char_class,
                                               const unsigned char *s, const unsigned char *end);

struct pieces {
    struct char_class char_class;
    pieces_scan_fn scan; /* or NULL: by regex */
    struct regex *regex; /* or NULL: there is no pattern, the whole text is one piece */
};

/* pattern: NULL where there is none. use_scanners: false is for tests. ERR_DATA for a pattern that
 * is refused. */
int pieces_open(struct pieces *pieces, const char *pattern, bool use_scanners, struct err *err);
void pieces_close(struct pieces *pieces);

/* Whether a piece ends between any character that is no space and a space (U+0020), whatever else
 * the text has, so that the two sides can be cut each by itself. Known of the known patterns. */
bool pieces_end_before_spaces(const struct pieces *pieces);

/* The pieces of one text, one after the other. */
struct pieces_cursor {
    const struct pieces *pieces; /* borrowed */
    const unsigned char *text;   /* borrowed: (size) */
    size_t size, at;
    struct regex_space *space;
    char *clean; /* for PCRE2: the text, a DEL for each byte that is not of a valid character */
    size_t clean_room;
    const char *seen;      /* the text or clean */
    size_t next, next_end; /* the next match */
};

void pieces_cursor_init(struct pieces_cursor *cursor, const struct pieces *pieces);
void pieces_cursor_clear(struct pieces_cursor *cursor);

void pieces_begin(struct pieces_cursor *cursor, const void *text, size_t size);

/* The next piece is size bytes at *piece: 1, or 0 at the end of the text, or -1 with ERR_DATA. */
int pieces_next(struct pieces_cursor *cursor, const unsigned char **piece, size_t *size,
                struct err *err);
