/* Encodes texts that come in parts, and so of any length: ids are those of encoder_encode on the
 * whole text, without special tokens' names.
 *
 * A text is cut where nothing reaches over the edge: between a printing character of ASCII and a
 * space (which normal form C never joins), if the tokenizer's pattern always ends a piece there
 * (pieces_end_before_spaces) and no added token's name has these two beside each other. It is cut
 * so when ENCODE_STREAM_PART bytes are there; what has no such place is held until one comes, with
 * other patterns to the text's end. */
#pragma once
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct tokenizer;
struct encode_stream;

enum { ENCODE_STREAM_PART = 1 << 20 };

/* Receives the ids of a part. */
typedef int (*encode_take_fn)(void *context, const uint32_t *ids, size_t n, struct err *err);

/* The tokenizer is borrowed and must outlive the stream. Of one thread at a time. */
struct encode_stream *encode_stream_new(const struct tokenizer *tokenizer);
void encode_stream_free(struct encode_stream *stream); /* accepts NULL */

/* Adds a part of the text; ids that are certain go to `take`. Fails as encoder_encode or `take`
 * does; then the text is to be dropped. */
int encode_stream_add(struct encode_stream *stream, const void *bytes, size_t size,
                      encode_take_fn take, void *context, struct err *err);

/* Ends the text, or drops what there is of it: the next part begins another. */
int encode_stream_end(struct encode_stream *stream, encode_take_fn take, void *context,
                      struct err *err);
void encode_stream_drop(struct encode_stream *stream);
