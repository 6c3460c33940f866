#include "worker/data/token_writer.h"

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"
#include "worker/data/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
                 const char *name, uint64_t n_tokens, uint64_t file_tokens)
{
    *writer = (struct token_writer){.folder = mem_strdup(folder),
                                    .name = mem_strdup(name),
                                    .shown = mem_strdup(shown),
                                    .n_tokens = n_tokens,
                                    .file_tokens = file_tokens,
                                    .fd = -1,
                                    .piece = mem_new(TOKEN_WRITER_PIECE, sizeof *writer->piece)};
}

void token_writer_join(struct token_writer *writer, const struct token_writer *other)
{
    init(writer, other->folder, other->shown, other->name, other->n_tokens, other->file_tokens);
}

int token_writer_open(struct token_writer *writer, const char *folder, const char *shown,
                      const char *name, uint64_t n_tokens, uint64_t file_tokens, struct err *err)
{
    ASSERT(file_tokens >= 1 && file_tokens <= INT32_MAX);
    init(writer, folder, shown, name, n_tokens, file_tokens);
    const size_t n = token_writer_files(n_tokens, file_tokens);
    for (size_t file = n; file-- > 0;) { // the first one last, so that it is open
        const int32_t header[TOKEN_HEADER_BYTES / sizeof(int32_t)] = {
            TOKEN_MAGIC_16, TOKEN_VERSION_16,
            (int32_t)token_writer_tokens(n_tokens, file_tokens, file)};
        if (open_file(writer, file, O_CREAT | O_EXCL, err) == 0 &&
            write_at(writer, header, sizeof header, 0, err) == 0)
            continue;
        token_writer_clear(writer);
        return -1;
    }
    return 0;
}

int token_writer_put(struct token_writer *writer, uint64_t first, const unsigned char *bytes,
                     size_t n, struct err *err)
{
    ASSERT(n <= writer->n_tokens && first <= writer->n_tokens - n);
    while (n) {
        const size_t file = (size_t)(first / writer->file_tokens);
        const uint64_t at = first % writer->file_tokens, left = writer->file_tokens - at;
        size_t now = n < TOKEN_WRITER_PIECE ? n : TOKEN_WRITER_PIECE;
        now = now < left ? now : (size_t)left;
        for (size_t i = 0; i < now; i++)
            writer->piece[i] = bytes[i];
        if ((writer->fd < 0 || file != writer->file) && open_file(writer, file, 0, err) < 0)
            return -1;
        if (write_at(writer, writer->piece, now * sizeof *writer->piece,
                     TOKEN_HEADER_BYTES + at * sizeof *writer->piece, err) < 0)
            return -1;
        bytes += now;
        first += now;
        n -= now;
    }
    return 0;
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
