/* Where the tokens of a file lie: what the reader of each format finds out. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct token_layout {
    uint64_t first_byte; /* of the first token */
    uint64_t n_tokens;   /* at least one */
    size_t width;        /* bytes of a token: 1, 2, 4 or 8, little-endian */
    const char *format;  /* what the file is, in words */
};
