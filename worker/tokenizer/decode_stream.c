#include "worker/tokenizer/decode_stream.h"

#include "worker/tokenizer/tokenizer.h"

#include <stdbool.h>
#include <string.h>

/* Bytes of a character that begins with this one; 1 for what begins none. */
static size_t size_of(unsigned char first)
{
    return first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1;
}

/* Bytes at the end of a text that begin a character which does not end there. */
static size_t unfinished(const char *text, size_t size)
{
    for (size_t n = 1; n < 4 && n <= size; n++) {
        const unsigned char byte = (unsigned char)text[size - n];
        if ((byte & 0xC0) != 0x80)
            return size_of(byte) > n ? n : 0;
    }
    return 0;
}

int decode_stream_add(struct decode_stream *stream, struct text *out,
                      const struct tokenizer *tokenizer, uint32_t id, struct err *err)
{
    struct text *held = &stream->held;
    if (tokenizer_decode(tokenizer, held, &id, 1, err) != 0)
        return -1;
    const size_t left = held->size ? unfinished(held->bytes, held->size) : 0;
    text_add_bytes(out, held->bytes, held->size - left);
    if (left)
        memmove(held->bytes, held->bytes + held->size - left, left);
    held->size = left;
    return 0;
}

void decode_stream_clear(struct decode_stream *stream)
{
    text_clear(&stream->held);
}
