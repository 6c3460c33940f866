#include "worker/data/token_file.h"

#include "base/check.h"
#include "base/mem.h"
#include "worker/data/format_megatron.h"
#include "worker/data/format_npy.h"
#include "worker/data/path.h"
#include "worker/data/recognise.h"
#include "worker/data/token_layout.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "token files are little-endian, as this machine is");

// clang-format off
static const struct kind {
    int32_t magic, version;
    size_t width;
} KINDS[] = {
    {TOKEN_MAGIC_16, TOKEN_VERSION_16, 2},
    {TOKEN_MAGIC_32, TOKEN_VERSION_32, 4},
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

/* A file that is certainly something else: ERR_DATA with its right name. */
static int refuse_recognised(const struct token_file *file, struct err *err)
{
    struct recognised is = recognise_bytes(file->map.bytes, file->map.size);
    if (!is.what) {
        char *folder = path_parent(file->path), *name = path_base_name(file->path);
        is = recognise_stream(folder, name);
        free(name);
        free(folder);
    }
    return is.what ? err_set(err, ERR_DATA, "%s: found %s, expected tokens: %s", file->path,
                             is.what, is.advice)
                   : 0;
}

static int read_llmc(struct token_layout *layout, const struct token_file *file, struct err *err)
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
    *layout = (struct token_layout){.first_byte = TOKEN_HEADER_BYTES,
                                    .n_tokens = (uint64_t)n_tokens,
                                    .width = kind->width,
                                    .format = "llm.c"};
    return 0;
}

/* Whether each second 16-bit token is 0 and most of the others are not: 32-bit tokens. */
static bool has_empty_halves(const struct file_map *map)
{
    enum { LEAST = 1024, LOOK = 65536 };
    const size_t n = map->size / 4 < LOOK ? map->size / 4 : LOOK;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t halves[2];
        memcpy(halves, map->bytes + 4 * i, sizeof halves);
        if (halves[1])
            return false;
        used += halves[0] != 0;
    }
    return n >= LEAST && used > n / 2;
}

static int read_headerless(struct token_layout *layout, const struct token_file *file, size_t vocab,
                           struct err *err)
{
    const struct kind *kind = file->map.size >= TOKEN_HEADER_BYTES ? find_kind(file) : NULL;
    if (kind && header_word(file, 1) == kind->version)
        return err_set(
            err, ERR_DATA,
            "%s: found llm.c's header, expected none with `format: nanogpt`; use `format: llmc`",
            file->path);
    if (refuse_recognised(file, err) < 0)
        return -1;
    const bool wide = vocab > (size_t)UINT16_MAX + 1;
    const size_t width = wide ? sizeof(uint32_t) : sizeof(uint16_t);
    if (file->map.size % width)
        return err_set(err, ERR_DATA,
                       wide ? "%s: found %zu bytes, expected a multiple of four (32-bit tokens, as "
                              "the vocabulary needs)"
                            : "%s: found %zu bytes, expected an even number (16-bit tokens)",
                       file->path, file->map.size);
    if (file->map.size == 0)
        return err_set(err, ERR_DATA, "%s: found 0 tokens, expected at least one", file->path);
    if (!wide && has_empty_halves(&file->map))
        return err_set(err, ERR_DATA,
                       "%s: found 0 in each second 16-bit token: these are 32-bit tokens, expected "
                       "16 bits with `format: nanogpt`; numpy.save keeps what they are",
                       file->path);
    *layout = (struct token_layout){.n_tokens = file->map.size / width,
                                    .width = width,
                                    .format = wide ? "headerless, 32 bits" : "headerless, 16 bits"};
    return 0;
}

/* Reads what is marked as NumPy's or Megatron's. Returns 1 if it is neither. */
static int read_marked(struct token_layout *layout, const struct token_file *file, struct err *err)
{
    if (format_npy_is(&file->map))
        return format_npy_read(layout, &file->map, file->path, err);
    char *index = find_kind(file) ? NULL : format_megatron_index(file->path);
    if (!index)
        return 1;
    int rc = format_megatron_read(layout, &file->map, file->path, index, err);
    free(index);
    return rc;
}

static int read_layout(struct token_layout *layout, const struct token_file *file,
                       Trireme__Source__Format format, size_t vocab, struct err *err)
{
    int rc = format == TRIREME__SOURCE__FORMAT__llmc ? 1 : read_marked(layout, file, err);
    if (rc <= 0)
        return rc;
    if (format == TRIREME__SOURCE__FORMAT__nanogpt)
        return read_headerless(layout, file, vocab, err);
    if (!find_kind(file) && refuse_recognised(file, err) < 0)
        return -1;
    return read_llmc(layout, file, err);
}

int token_file_open_for(struct token_file *file, const char *path, Trireme__Source__Format format,
                        size_t vocab, struct err *err)
{
    *file = (struct token_file){0};
    if (file_map_open(&file->map, path, ERR_DATA, err) < 0)
        return -1;
    file->path = mem_strdup(path);
    struct token_layout layout;
    if (read_layout(&layout, file, format, vocab, err) < 0) {
        token_file_close(file);
        return -1;
    }
    file->tokens = file->map.bytes + layout.first_byte;
    file->n_tokens = layout.n_tokens;
    file->width = layout.width;
    file->format = layout.format;
    return 0;
}

int token_file_open(struct token_file *file, const char *path, Trireme__Source__Format format,
                    struct err *err)
{
    return token_file_open_for(file, path, format, 1, err);
}

void token_file_close(struct token_file *file)
{
    file_map_close(&file->map);
    free(file->path);
    *file = (struct token_file){0};
}

/* Negative numbers become very large ones. */
static uint64_t token_at(const struct token_file *file, uint64_t i)
{
    const unsigned char *at = file->tokens + i * file->width;
    uint16_t narrow;
    uint32_t wide;
    uint64_t widest;
    switch (file->width) {
    case 1:
        return *at;
    case sizeof narrow:
        memcpy(&narrow, at, sizeof narrow);
        return narrow;
    case sizeof wide:
        memcpy(&wide, at, sizeof wide);
        return wide;
    default:
        memcpy(&widest, at, sizeof widest);
        return widest;
    }
}

int token_file_read(const struct token_file *file, int32_t *tokens, uint64_t first, size_t n,
                    size_t vocab, struct err *err)
{
    ASSERT(first <= file->n_tokens && n <= file->n_tokens - first);
    uint64_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t token = token_at(file, first + i);
        largest = token > largest ? token : largest;
    }
    for (size_t i = 0; largest >= vocab && i < n; i++)
        if (token_at(file, first + i) >= vocab)
            return err_set(err, ERR_DATA,
                           "%s: token %" PRIu64 " is %" PRIu64
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
