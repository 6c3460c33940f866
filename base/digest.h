/* XXH3-128 digests: of files, of states, of documents. Not cryptographic: they find damage, not
 * forgery. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct digest {
    uint64_t high, low;
};

enum { DIGEST_HEX_SIZE = 33 }; /* 32 hexadecimal digits and a NUL */

struct digest digest_of(const void *bytes, size_t size);
void digest_hex(char hex[DIGEST_HEX_SIZE], struct digest digest);

/* The digest of bytes that come in pieces. The result does not depend on where they are cut. */
struct digest_stream *digest_stream_new(void);
void digest_stream_add(struct digest_stream *stream, const void *bytes, size_t size);
struct digest digest_stream_end(struct digest_stream *stream); /* also frees the stream */

/* Returns the 64-bit key of a seed and a name, for random numbers and data orders. */
uint64_t digest_key(uint64_t seed, const char *name);
