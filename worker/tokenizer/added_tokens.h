/* Added tokens: names that are found in a text before it is cut into pieces, each becoming its
 * token. At each place the longest name wins, as in `tokenizers`. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct added_token {
    char *name; /* (size), owned */
    size_t size;
    uint32_t id;
    bool is_special;
};

struct added_tokens {
    struct added_token *tokens; /* (n), by first byte, longest first */
    size_t n, room;
    uint32_t first[257];      /* tokens that begin with byte b: first[b]..first[b + 1] */
    uint8_t pairs[256 * 256]; /* whether a name begins with these two bytes; one of a single byte
                                 begins with all pairs of it */
};

void added_tokens_add(struct added_tokens *added, const void *name, size_t size, uint32_t id,
                      bool is_special);
void added_tokens_end(struct added_tokens *added); /* to be called when all are added */
void added_tokens_clear(struct added_tokens *added);

/* The first added token at or behind `from`, and its place; NULL where there is none. with_specials
 * false: special ones are passed over, with all their bytes. */
const struct added_token *added_tokens_find(const struct added_tokens *added, size_t *at,
                                            const unsigned char *text, size_t size, size_t from,
                                            bool with_specials);

/* Whether a name has the byte b directly behind the byte a: such a name may reach over the edge
 * between them. */
bool added_tokens_join(const struct added_tokens *added, unsigned char a, unsigned char b);
