#include "worker/data/token_writer.h"

#include "base/mem.h"
#include "worker/data/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_at(const struct token_writer *writer, const void *bytes, size_t size,
                    uint64_t offset, struct err *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n =
            pwrite(writer->fd, (const char *)bytes + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno != EINTR)
            return err_set(err, ERR_USAGE, "%s: cannot write %zu bytes: %s", writer->path, size,
                           strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int token_writer_open(struct token_writer *writer, const char *path, uint64_t n_tokens,
                      struct err *err)
{
    if (n_tokens > INT32_MAX)
        return err_set(err, ERR_DATA,
                       "%s: found %" PRIu64 " tokens, expected at most %" PRId32
                       " (llm.c's format)",
                       path, n_tokens, INT32_MAX);
    *writer =
        (struct token_writer){.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
    if (writer->fd < 0)
        return err_set(err, ERR_USAGE, "%s: cannot write: %s", path, strerror(errno));
    writer->path = mem_strdup(path);
    writer->piece = mem_new(TOKEN_WRITER_PIECE, sizeof *writer->piece);
    const int32_t header[TOKEN_HEADER_BYTES / sizeof(int32_t)] = {TOKEN_MAGIC_16, TOKEN_VERSION_16,
                                                                  (int32_t)n_tokens};
    if (write_at(writer, header, sizeof header, 0, err) == 0)
        return 0;
    token_writer_clear(writer);
    return -1;
}

int token_writer_put(struct token_writer *writer, uint64_t first, const unsigned char *bytes,
                     size_t n, struct err *err)
{
    for (size_t done = 0; done < n;) {
        const size_t now = n - done < TOKEN_WRITER_PIECE ? n - done : TOKEN_WRITER_PIECE;
        for (size_t i = 0; i < now; i++)
            writer->piece[i] = bytes[done + i];
        const uint64_t offset = TOKEN_HEADER_BYTES + (first + done) * sizeof *writer->piece;
        if (write_at(writer, writer->piece, now * sizeof *writer->piece, offset, err) < 0)
            return -1;
        done += now;
    }
    return 0;
}

int token_writer_sync(struct token_writer *writer, struct err *err)
{
    if (fsync(writer->fd) < 0)
        return err_set(err, ERR_USAGE, "%s: cannot sync: %s", writer->path, strerror(errno));
    return 0;
}

void token_writer_clear(struct token_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    free(writer->path);
    free(writer->piece);
    *writer = (struct token_writer){.fd = -1};
}
