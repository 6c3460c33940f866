#include "base/digest.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static struct digest from_xxh(XXH128_hash_t hash)
{
    return (struct digest){.high = hash.high64, .low = hash.low64};
}

struct digest digest_of(const void *bytes, size_t size)
{
    return from_xxh(XXH3_128bits(bytes, size));
}

void digest_hex(char hex[DIGEST_HEX_SIZE], struct digest digest)
{
    snprintf(hex, DIGEST_HEX_SIZE, "%016llx%016llx", (unsigned long long)digest.high,
             (unsigned long long)digest.low);
}

struct digest_stream *digest_stream_new(void)
{
    XXH3_state_t *state = XXH3_createState();
    ASSERT(state);
    XXH3_128bits_reset(state);
    return (struct digest_stream *)state;
}

void digest_stream_add(struct digest_stream *stream, const void *bytes, size_t size)
{
    XXH3_128bits_update((XXH3_state_t *)stream, bytes, size);
}

struct digest digest_stream_end(struct digest_stream *stream)
{
    XXH3_state_t *state = (XXH3_state_t *)stream;
    struct digest digest = from_xxh(XXH3_128bits_digest(state));
    XXH3_freeState(state);
    return digest;
}

uint64_t digest_key(uint64_t seed, const char *name)
{
    return XXH3_64bits_withSeed(name, strlen(name), seed);
}
