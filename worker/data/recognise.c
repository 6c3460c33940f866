#include "worker/data/recognise.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LEAST = 32, TEXT_LOOK = 4096, UTF8_LONGEST = 4 };

static const char WRITE_TOKENS[] =
    "write its tokens with numpy.save (one dimension of whole numbers)";
static const char PREPARE[] = "`trireme data prepare` makes tokens from text";
static const char DECOMPRESS[] = "decompress it first";
static const char GIVE_BIN[] = "give the .bin that stands beside it";
static const char GIVE_TOKENS[] = "give token files";
static const char PULL[] = "`git lfs pull` fetches it";

#define BYTES(s) (s), sizeof(s) - 1
// clang-format off
static const struct signature {
    size_t at;
    const char *bytes;
    size_t size;
    const char *what, *advice;
} SIGNATURES[] = {
    {0,   BYTES("\x28\xb5\x2f\xfd"),         "a file compressed by zstd",      DECOMPRESS},
    {0,   BYTES("\xfd" "7zXZ\0"),            "a file compressed by xz",        DECOMPRESS},
    {0,   BYTES("\x04\x22\x4d\x18"),         "a file compressed by lz4",       DECOMPRESS},
    {4,   BYTES("1AY&SY"),                   "a file compressed by bzip2",     DECOMPRESS},
    {0,   BYTES("PK\x03\x04"),               "an archive of zip (as .npz is)", WRITE_TOKENS},
    {257, BYTES("ustar"),                    "an archive of tar",              "unpack it first"},
    {0,   BYTES("ARROW1\0\0"),               "a table of Apache Arrow",        WRITE_TOKENS},
    {0,   BYTES("\x89HDF\r\n\x1a\n"),        "a file of HDF5",                 WRITE_TOKENS},
    {0,   BYTES("SQLite format 3"),          "a database of SQLite",           WRITE_TOKENS},
    {0,   BYTES("LITPKDS"),                  "a packed dataset of litgpt",     WRITE_TOKENS},
    {0,   BYTES("MMIDIDX\0\0"),              "an index of Megatron",           GIVE_BIN},
    {0,   BYTES("TNTIDX\0\0"),               "an index of fairseq",            WRITE_TOKENS},
    {0,   BYTES("GGUF\x02\0\0\0"),           "weights of GGUF",                GIVE_TOKENS},
    {0,   BYTES("GGUF\x03\0\0\0"),           "weights of GGUF",                GIVE_TOKENS},
    {0,   BYTES("version https://git-lfs."), "a pointer of Git LFS, not the file itself", PULL},
};
// clang-format on

static bool stands_at(const unsigned char *bytes, size_t size, size_t at, const char *what,
                      size_t n)
{
    return size >= n && at <= size - n && !memcmp(bytes + at, what, n);
}

/* RFC 1952: two bytes of magic, method 8, five flags, a hint of 0, 2 or 4, a system of 0 to 13. */
static bool is_gzip(const unsigned char *b, size_t size)
{
    return size >= 18 && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8 && b[3] < 32 &&
           (b[8] == 0 || b[8] == 2 || b[8] == 4) && (b[9] <= 13 || b[9] == 255);
}

/* The magic stands at both ends. */
static bool is_parquet(const unsigned char *b, size_t size)
{
    return size >= 12 && stands_at(b, size, 0, "PAR1", 4) &&
           stands_at(b, size, size - 4, "PAR1", 4);
}

static uint32_t u32_at(const unsigned char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Arrow's stream of messages: -1, the length of a flatbuffer, in it the place of its root. */
static bool is_arrow_stream(const unsigned char *b, size_t size)
{
    enum { HEAD = 12 };
    if (size < HEAD || u32_at(b) != UINT32_MAX)
        return false;
    const uint32_t length = u32_at(b + 4), root = u32_at(b + 8);
    return length % 8 == 0 && length >= 16 && length <= size - 8 && root >= 4 && root < 64 &&
           root % 4 == 0;
}

/* A pickle of protocol 4 or 5 begins with the length of its first frame. */
static bool is_pickle(const unsigned char *b, size_t size)
{
    enum { HEAD = 11 };
    uint64_t frame;
    if (size < HEAD || b[0] != 0x80 || (b[1] != 4 && b[1] != 5) || b[2] != 0x95)
        return false;
    memcpy(&frame, b + 3, sizeof frame);
    return frame <= size - HEAD;
}

/* Length of a header of JSON, then the header. */
static bool is_safetensors(const unsigned char *b, size_t size)
{
    uint64_t header;
    if (size < 10)
        return false;
    memcpy(&header, b, sizeof header);
    return header >= 2 && header <= size - 8 && b[8] == '{' && (b[9] == '"' || b[9] == '}');
}

/* Whether what the file begins with is UTF-8 without control characters. */
static bool is_text(const unsigned char *bytes, size_t size)
{
    const size_t n = size < TEXT_LOOK ? size : TEXT_LOOK;
    if (n < TEXT_LEAST || memchr(bytes, 0, n))
        return false;
    char *copy = mem_format("%.*s", (int)n, (const char *)bytes);
    // the last character may be cut
    const char *s = copy, *end = copy + n - (size > n ? UTF8_LONGEST : 0);
    bool text = true;
    while (text && s < end) {
        const uint32_t c = utf8_next(&s);
        text = c != UTF8_BAD && (c >= ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f') &&
               c != 0x7f;
    }
    free(copy);
    return text;
}

struct recognised recognise_bytes(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof SIGNATURES / sizeof *SIGNATURES; i++) {
        const struct signature *s = &SIGNATURES[i];
        if (stands_at(bytes, size, s->at, s->bytes, s->size))
            return (struct recognised){s->what, s->advice};
    }
    if (is_gzip(bytes, size))
        return (struct recognised){"a file compressed by gzip", DECOMPRESS};
    if (is_parquet(bytes, size))
        return (struct recognised){"a table of Apache Parquet", WRITE_TOKENS};
    if (is_arrow_stream(bytes, size))
        return (struct recognised){"a stream of Apache Arrow", WRITE_TOKENS};
    if (is_pickle(bytes, size))
        return (struct recognised){"a pickle of Python", WRITE_TOKENS};
    if (is_safetensors(bytes, size))
        return (struct recognised){"weights of safetensors", GIVE_TOKENS};
    if (!is_text(bytes, size))
        return (struct recognised){0};
    size_t blanks = 0;
    while (blanks < size && strchr(" \t\r\n", bytes[blanks]))
        blanks++;
    if (blanks < size && (bytes[blanks] == '{' || bytes[blanks] == '['))
        return (struct recognised){"JSON", PREPARE};
    return (struct recognised){"text", PREPARE};
}

struct recognised recognise_stream(const char *folder, const char *name)
{
    struct recognised found = {0};
    struct err err;
    char *path = file_join(folder, "index.json"), *quoted = mem_format("\"%s\"", name ? name : "");
    char *text = file_exists(path) ? file_read(path, NULL, ERR_DATA, &err) : NULL;
    if (text && (!name || strstr(text, quoted))) {
        if (strstr(text, "\"chunks\"") && strstr(text, "\"chunk_bytes\""))
            found = (struct recognised){
                "a chunk of litdata, which litgpt reads too (index.json names it)", WRITE_TOKENS};
        else if (strstr(text, "\"shards\"") && strstr(text, "\"samples\""))
            found = (struct recognised){"a shard of MosaicML's streaming (index.json names it)",
                                        WRITE_TOKENS};
    }
    free(text);
    free(quoted);
    free(path);
    return found;
}
