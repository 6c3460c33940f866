#include "worker/data/token_file.h"

#include "base/check.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "token files are little-endian and used as they lie");

// clang-format off
static const struct kind {
    int32_t magic, version;
    size_t width;
} KINDS[] = {
    {TOKEN_MAGIC_16, TOKEN_VERSION_16, 2},
    {20240801,       7,                4},
};
// clang-format on
enum { N_KINDS = sizeof KINDS / sizeof *KINDS };

static int32_t header_word(const struct token_file *file, size_t i)
{
    int32_t word;
    memcpy(&word, file->map.bytes + i * sizeof word, sizeof word);
    return word;
}

static const struct kind *find_kind(const struct token_file *file)
{
    for (size_t i = 0; i < N_KINDS; i++)
        if (file->map.size >= sizeof(int32_t) && header_word(file, 0) == KINDS[i].magic)
            return &KINDS[i];
    return NULL;
}

static int open_llmc(struct token_file *file, struct err *err)
{
    const struct kind *kind = find_kind(file);
    const size_t size = file->map.size;
    if (!kind && size < sizeof(int32_t))
        return err_set(err, ERR_DATA,
                       "%s: found %zu bytes, expected an llm.c token file with a header of %d",
                       file->path, size, TOKEN_HEADER_BYTES);
    if (!kind)
        return err_set(err, ERR_DATA,
                       "%s: found magic number %" PRId32 ", expected llm.c's %" PRId32
                       " or %" PRId32
                       "; a headerless file of 16-bit tokens needs `format: nanogpt`",
                       file->path, header_word(file, 0), KINDS[0].magic, KINDS[1].magic);
    if (size < TOKEN_HEADER_BYTES)
        return err_set(err, ERR_DATA, "%s: truncated: found %zu bytes, expected a header of %d",
                       file->path, size, TOKEN_HEADER_BYTES);
    const int32_t version = header_word(file, 1), n_tokens = header_word(file, 2);
    if (version != kind->version)
        return err_set(err, ERR_DATA,
                       "%s: found version %" PRId32 " of llm.c's token format, expected %" PRId32,
                       file->path, version, kind->version);
    if (n_tokens <= 0)
        return err_set(err, ERR_DATA,
                       "%s: its header says %" PRId32 " tokens, expected at least one", file->path,
                       n_tokens);
    const uint64_t expected = TOKEN_HEADER_BYTES + (uint64_t)n_tokens * kind->width;
    if (size != expected)
        return err_set(err, ERR_DATA,
                       "%s: %s: found %zu bytes, expected %" PRIu64 " for its %" PRId32 " tokens",
                       file->path, size < expected ? "truncated" : "too long", size, expected,
                       n_tokens);
    file->tokens = file->map.bytes + TOKEN_HEADER_BYTES;
    file->n_tokens = (uint64_t)n_tokens;
    file->width = kind->width;
    return 0;
}

static int open_nanogpt(struct token_file *file, struct err *err)
{
    const struct kind *kind = file->map.size >= TOKEN_HEADER_BYTES ? find_kind(file) : NULL;
    if (kind && header_word(file, 1) == kind->version)
        return err_set(
            err, ERR_DATA,
            "%s: found llm.c's header, expected none with `format: nanogpt`; use `format: llmc`",
            file->path);
    if (file->map.size % sizeof(uint16_t))
        return err_set(err, ERR_DATA,
                       "%s: found %zu bytes, expected an even number (16-bit tokens)", file->path,
                       file->map.size);
    if (file->map.size == 0)
        return err_set(err, ERR_DATA, "%s: found 0 tokens, expected at least one", file->path);
    file->tokens = file->map.bytes;
    file->n_tokens = file->map.size / sizeof(uint16_t);
    file->width = sizeof(uint16_t);
    return 0;
}

int token_file_open(struct token_file *file, const char *path, Trireme__Source__Format format,
                    struct err *err)
{
    *file = (struct token_file){0};
    if (file_map_open(&file->map, path, ERR_DATA, err) < 0)
        return -1;
    file->path = mem_strdup(path);
    int rc =
        format == TRIREME__SOURCE__FORMAT__nanogpt ? open_nanogpt(file, err) : open_llmc(file, err);
    if (rc < 0)
        token_file_close(file);
    return rc;
}

void token_file_close(struct token_file *file)
{
    file_map_close(&file->map);
    free(file->path);
    *file = (struct token_file){0};
}

static uint32_t token_at(const struct token_file *file, uint64_t i)
{
    if (file->width == sizeof(uint16_t))
        return ((const uint16_t *)(const void *)file->tokens)[i];
    return ((const uint32_t *)(const void *)file->tokens)[i];
}

int token_file_read(const struct token_file *file, int32_t *tokens, uint64_t first, size_t n,
                    size_t vocab, struct err *err)
{
    ASSERT(first <= file->n_tokens && n <= file->n_tokens - first);
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t token = token_at(file, first + i);
        largest = token > largest ? token : largest;
    }
    for (size_t i = 0; largest >= vocab && i < n; i++)
        if (token_at(file, first + i) >= vocab)
            return err_set(err, ERR_DATA,
                           "%s: token %" PRIu64 " is %" PRIu32
                           ", expected one below the vocabulary of %zu",
                           file->path, first + i, token_at(file, first + i), vocab);
    for (size_t i = 0; i < n; i++)
        tokens[i] = (int32_t)token_at(file, first + i);
    return 0;
}

struct digest token_file_digest(const struct token_file *file)
{
    enum { LOOK = 4096 };
    const uint64_t size = file->map.size;
    const size_t look = size < LOOK ? size : LOOK;
    struct digest_stream *stream = digest_stream_new();
    digest_stream_add(stream, &size, sizeof size);
    digest_stream_add(stream, file->map.bytes, look);
    digest_stream_add(stream, file->map.bytes + size - look, look);
    return digest_stream_end(stream);
}
