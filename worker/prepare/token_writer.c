#include "worker/prepare/token_writer.h"

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"
#include "worker/data/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t token_writer_width(size_t vocab)
{
    return vocab > (size_t)UINT16_MAX + 1 ? sizeof(uint32_t) : sizeof(uint16_t);
}

size_t token_writer_files(uint64_t n_tokens, uint64_t file_tokens)
{
    return (size_t)(n_tokens / file_tokens + (n_tokens % file_tokens != 0));
}

uint64_t token_writer_tokens(uint64_t n_tokens, uint64_t file_tokens, size_t file)
{
    const uint64_t left = n_tokens - file * file_tokens;
    return left < file_tokens ? left : file_tokens;
}

char *token_writer_name(const char *name, size_t file)
{
    return mem_format("%s_%06zu.bin", name, file);
}

static int refuse(const struct token_writer *writer, const char *what, size_t file, struct err *err)
{
    const int why = errno;
    char *name = token_writer_name(writer->name, file);
    err_set(err, ERR_USAGE, "%s/%s: cannot %s: %s", writer->shown, name, what, strerror(why));
    free(name);
    return -1;
}

static void close_file(struct token_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    writer->fd = -1;
}

static int open_file(struct token_writer *writer, size_t file, int flags, struct err *err)
{
    close_file(writer);
    char *name = token_writer_name(writer->name, file), *path = file_join(writer->folder, name);
    writer->fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0644);
    writer->file = file;
    free(path);
    free(name);
    return writer->fd < 0 ? refuse(writer, "write", file, err) : 0;
}

static int write_at(const struct token_writer *writer, const void *bytes, size_t size,
                    uint64_t offset, struct err *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n =
            pwrite(writer->fd, (const char *)bytes + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno != EINTR)
            return refuse(writer, "write", writer->file, err);
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static void init(struct token_writer *writer, const char *folder, const char *shown,
                 const char *name, uint64_t n_tokens, uint64_t file_tokens, size_t width)
{
    *writer = (struct token_writer){.folder = mem_strdup(folder),
                                    .name = mem_strdup(name),
                                    .shown = mem_strdup(shown),
                                    .n_tokens = n_tokens,
                                    .file_tokens = file_tokens,
                                    .fd = -1,
                                    .width = width,
                                    .piece = mem_new(TOKEN_WRITER_PIECE, width)};
}

void token_writer_join(struct token_writer *writer, const struct token_writer *other)
{
    init(writer, other->folder, other->shown, other->name, other->n_tokens, other->file_tokens,
         other->width);
}

int token_writer_open(struct token_writer *writer, const char *folder, const char *shown,
                      const char *name, uint64_t n_tokens, uint64_t file_tokens, size_t width,
                      struct err *err)
{
    ASSERT(file_tokens >= 1 && file_tokens <= INT32_MAX && (width == 2 || width == 4));
    const bool wide = width == sizeof(uint32_t);
    init(writer, folder, shown, name, n_tokens, file_tokens, width);
    const size_t n = token_writer_files(n_tokens, file_tokens);
    for (size_t file = n; file-- > 0;) { // the first one last, so that it is open
        const int32_t header[TOKEN_HEADER_BYTES / sizeof(int32_t)] = {
            wide ? TOKEN_MAGIC_32 : TOKEN_MAGIC_16, wide ? TOKEN_VERSION_32 : TOKEN_VERSION_16,
            (int32_t)token_writer_tokens(n_tokens, file_tokens, file)};
        if (open_file(writer, file, O_CREAT | O_EXCL, err) == 0 &&
            write_at(writer, header, sizeof header, 0, err) == 0)
            continue;
        token_writer_clear(writer);
        return -1;
    }
    return 0;
}

/* Fills the piece with n bytes or ids; the other one is NULL. */
static void fill(const struct token_writer *writer, const unsigned char *bytes, const uint32_t *ids,
                 size_t n)
{
    uint16_t *narrow = writer->piece;
    if (writer->width == sizeof *ids)
        memcpy(writer->piece, ids, n * sizeof *ids);
    else
        for (size_t i = 0; i < n; i++)
            narrow[i] = (uint16_t)(ids ? ids[i] : bytes[i]);
}

static int put(struct token_writer *writer, uint64_t first, const unsigned char *bytes,
               const uint32_t *ids, size_t n, struct err *err)
{
    ASSERT(n <= writer->n_tokens && first <= writer->n_tokens - n);
    const size_t width = writer->width;
    for (size_t done = 0, now; done < n; done += now) {
        const size_t file = (size_t)((first + done) / writer->file_tokens);
        const uint64_t at = (first + done) % writer->file_tokens, left = writer->file_tokens - at;
        now = n - done < TOKEN_WRITER_PIECE ? n - done : TOKEN_WRITER_PIECE;
        now = now < left ? now : (size_t)left;
        fill(writer, bytes ? bytes + done : NULL, ids ? ids + done : NULL, now);
        if ((writer->fd < 0 || file != writer->file) && open_file(writer, file, 0, err) < 0)
            return -1;
        if (write_at(writer, writer->piece, now * width, TOKEN_HEADER_BYTES + at * width, err) < 0)
            return -1;
    }
    return 0;
}

int token_writer_put_bytes(struct token_writer *writer, uint64_t first, const unsigned char *bytes,
                           size_t n, struct err *err)
{
    ASSERT(writer->width == sizeof(uint16_t));
    return put(writer, first, bytes, NULL, n, err);
}

int token_writer_put_ids(struct token_writer *writer, uint64_t first, const uint32_t *ids, size_t n,
                         struct err *err)
{
    return put(writer, first, NULL, ids, n, err);
}

int token_writer_sync(struct token_writer *writer, struct err *err)
{
    const size_t n = token_writer_files(writer->n_tokens, writer->file_tokens);
    for (size_t file = 0; file < n; file++)
        if (open_file(writer, file, 0, err) < 0 ||
            (fsync(writer->fd) < 0 && refuse(writer, "sync", file, err) < 0))
            return -1;
    return 0;
}

void token_writer_clear(struct token_writer *writer)
{
    if (writer->folder)
        close_file(writer);
    free(writer->folder);
    free(writer->name);
    free(writer->shown);
    free(writer->piece);
    *writer = (struct token_writer){.fd = -1};
}
