#include "worker/tokenizer/encode_stream.h"

#include "base/mem.h"
#include "base/text.h"
#include "worker/tokenizer/encoder.h"
#include "worker/tokenizer/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

struct encode_stream {
    const struct tokenizer *tokenizer; /* borrowed */
    struct encoder *encoder;
    struct text held; /* text that is not encoded */
    size_t searched;  /* bytes of it in which there is no place to cut */
    struct token_ids ids;
};

struct encode_stream *encode_stream_new(const struct tokenizer *tokenizer)
{
    struct encode_stream *stream = mem_new(1, sizeof *stream);
    stream->tokenizer = tokenizer;
    stream->encoder = encoder_new(tokenizer);
    return stream;
}

void encode_stream_free(struct encode_stream *stream)
{
    if (!stream)
        return;
    encoder_free(stream->encoder);
    text_clear(&stream->held);
    free(stream->ids.ids);
    free(stream);
}

/* The last place where the held text can be cut; 0: there is none. */
static size_t find_cut(struct encode_stream *stream)
{
    const struct tokenizer *tokenizer = stream->tokenizer;
    const unsigned char *text = (const unsigned char *)stream->held.bytes;
    const size_t from = stream->searched ? stream->searched - 1 : 0;
    stream->searched = stream->held.size;
    if (!pieces_end_before_spaces(&tokenizer->pieces))
        return 0;
    for (size_t at = stream->held.size - 1; at > from; at--)
        if (text[at] == ' ' && text[at - 1] > ' ' && text[at - 1] < 0x7F &&
            !added_tokens_join(&tokenizer->raw, text[at - 1], ' ') &&
            !added_tokens_join(&tokenizer->normal, text[at - 1], ' '))
            return at;
    return 0;
}

/* Encodes the first `size` bytes of the held text. */
static int encode(struct encode_stream *stream, size_t size, encode_take_fn take, void *context,
                  struct err *err)
{
    struct text *held = &stream->held;
    stream->ids.n = 0;
    if (encoder_encode(stream->encoder, &stream->ids, held->bytes, size, false, err) != 0)
        return -1;
    held->size -= size;
    memmove(held->bytes, held->bytes + size, held->size);
    stream->searched = 0;
    return stream->ids.n ? take(context, stream->ids.ids, stream->ids.n, err) : 0;
}

int encode_stream_add(struct encode_stream *stream, const void *bytes, size_t size,
                      encode_take_fn take, void *context, struct err *err)
{
    text_add_bytes(&stream->held, bytes, size);
    if (stream->held.size < ENCODE_STREAM_PART)
        return 0;
    const size_t cut = find_cut(stream);
    return cut ? encode(stream, cut, take, context, err) : 0;
}

int encode_stream_end(struct encode_stream *stream, encode_take_fn take, void *context,
                      struct err *err)
{
    return stream->held.size ? encode(stream, stream->held.size, take, context, err) : 0;
}

void encode_stream_drop(struct encode_stream *stream)
{
    stream->held.size = 0;
    stream->searched = 0;
}
