#include "worker/tokenizer/byte_letters.h"

#include "base/text.h"
#include "proto/schema/utf8.h"

#include <stdint.h>

enum { FIRST_MOVED = 0x100, N_MOVED = 68 };

static bool is_itself(uint32_t c)
{
    return (c >= 33 && c <= 126) || (c >= 161 && c <= 172) || (c >= 174 && c <= 255);
}

/* The byte of a letter, or -1. */
static int byte_of(uint32_t c)
{
    if (is_itself(c))
        return (int)c;
    if (c < FIRST_MOVED || c >= FIRST_MOVED + N_MOVED)
        return -1;
    // the moved ones are 0..32, 127..160, 173
    uint32_t n = c - FIRST_MOVED;
    return n <= 32 ? (int)n : n < N_MOVED - 1 ? (int)(n - 33 + 127) : 173;
}

bool byte_letters_read(struct text *bytes, const char *letters, size_t size)
{
    size_t before = bytes->size;
    for (const char *at = letters; at < letters + size;) {
        int byte = byte_of(utf8_next(&at));
        if (byte < 0) {
            bytes->size = before;
            if (bytes->bytes)
                bytes->bytes[before] = '\0';
            return false;
        }
        char c = (char)byte;
        text_add_bytes(bytes, &c, 1);
    }
    return true;
}
