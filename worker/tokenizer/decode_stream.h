/* Decodes ids that come one after the other into text of whole characters: what is cut between two
 * tokens is held until the rest comes. Bytes that are of no character are text as they are. */
#pragma once
#include "base/err.h"
#include "base/text.h"

#include <stdint.h>

struct tokenizer;

/* All zero: nothing is held. */
struct decode_stream {
    struct text held; /* the beginning of a character */
};

/* Adds to out what is whole with this id. ERR_DATA for an id that the vocabulary does not have. */
int decode_stream_add(struct decode_stream *stream, struct text *out,
                      const struct tokenizer *tokenizer, uint32_t id, struct err *err);

/* Drops what is held. */
void decode_stream_clear(struct decode_stream *stream);
