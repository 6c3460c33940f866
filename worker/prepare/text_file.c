#include "worker/prepare/text_file.h"

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { ROOM = 1 << 18, ZSTD_WINDOW_LOG_MAX = 31, MAGIC_BYTES = 4 };

enum form { FORM_PLAIN, FORM_GZIP, FORM_ZSTD };

struct text_file {
    char *path;
    int fd;
    enum form form;
    unsigned char *in; /* (ROOM) bytes of the file */
    size_t n, at;      /* that are there; of them used */
    bool over;         /* the file has been read to its end */
    bool inside;       /* of a member or frame that has begun */
    bool any;          /* one has begun */
    z_stream gzip;
    ZSTD_DStream *zstd;
};

size_t text_file_stem(const char *name)
{
    const size_t n = strlen(name);
    return file_name_ends(name, ".gz") ? n - 3 : file_name_ends(name, ".zst") ? n - 4 : n;
}

/* Reads on until `least` bytes are there that are not used yet, or the file has ended. */
static int fill(struct text_file *file, size_t least, struct err *err)
{
    if (file->at == file->n)
        file->at = file->n = 0;
    while (!file->over && file->n - file->at < least) {
        memmove(file->in, file->in + file->at, file->n - file->at);
        file->n -= file->at;
        file->at = 0;
        ssize_t n = read(file->fd, file->in + file->n, ROOM - file->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err_set(err, ERR_DATA, "%s: cannot read: %s", file->path, strerror(errno));
            return TEXT_FILE_UNREADABLE;
        }
        file->over = n == 0;
        file->n += (size_t)n;
    }
    return 0;
}

static bool begins_with(const struct text_file *file, const char *magic, size_t n)
{
    return file->n - file->at >= n && !memcmp(file->in + file->at, magic, n);
}

static void set_form(struct text_file *file)
{
    if (begins_with(file, "\x1f\x8b", 2) || file_name_ends(file->path, ".gz"))
        file->form = FORM_GZIP;
    else if (begins_with(file, "\x28\xb5\x2f\xfd", 4) || file_name_ends(file->path, ".zst"))
        file->form = FORM_ZSTD;
    if (file->form == FORM_GZIP) {
        int rc = inflateInit2(&file->gzip, 16 + MAX_WBITS); // 16: gzip's header, not zlib's
        ASSERT(rc == Z_OK);
    } else if (file->form == FORM_ZSTD) {
        file->zstd = ZSTD_createDStream();
        ASSERT(file->zstd);
        ZSTD_DCtx_setParameter(file->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    }
}

int text_file_open(struct text_file **file, const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        err_set(err, ERR_DATA, "%s: cannot open: %s", path, strerror(errno));
        return TEXT_FILE_UNREADABLE;
    }
    struct text_file *new = mem_new(1, sizeof *new);
    new->fd = fd;
    new->path = mem_strdup(path);
    new->in = mem_new(ROOM, 1);
    int rc = fill(new, MAGIC_BYTES, err);
    if (rc < 0) {
        text_file_close(new);
        return rc;
    }
    set_form(new);
    *file = new;
    return 0;
}

void text_file_close(struct text_file *file)
{
    if (!file)
        return;
    if (file->form == FORM_GZIP)
        inflateEnd(&file->gzip);
    ZSTD_freeDStream(file->zstd);
    close(file->fd);
    free(file->in);
    free(file->path);
    free(file);
}

static int read_plain(struct text_file *file, unsigned char *bytes, size_t room, size_t *n)
{
    const size_t left = file->n - file->at;
    *n = left < room ? left : room;
    memcpy(bytes, file->in + file->at, *n);
    file->at += *n;
    return 0;
}

static int refuse(const struct text_file *file, const char *why, struct err *err)
{
    return err_set(err, ERR_DATA, "%s: damaged %s archive: %s", file->path,
                   file->form == FORM_GZIP ? "gzip" : "zstd", why);
}

static int read_gzip(struct text_file *file, unsigned char *bytes, size_t room, size_t *n,
                     struct err *err)
{
    z_stream *stream = &file->gzip;
    if (!file->inside && file->any) {
        int rc = inflateReset(stream);
        ASSERT(rc == Z_OK);
    }
    file->inside = file->any = true;
    stream->next_in = file->in + file->at;
    stream->avail_in = (uInt)(file->n - file->at);
    stream->next_out = bytes;
    stream->avail_out = room < UINT_MAX ? (uInt)room : UINT_MAX;
    int rc = inflate(stream, Z_NO_FLUSH);
    file->at = file->n - stream->avail_in;
    *n = (size_t)(stream->next_out - bytes);
    if (rc == Z_STREAM_END)
        file->inside = false;
    else if (rc != Z_OK && rc != Z_BUF_ERROR)
        return refuse(file, stream->msg ? stream->msg : zError(rc), err);
    return 0;
}

static int read_zstd(struct text_file *file, unsigned char *bytes, size_t room, size_t *n,
                     struct err *err)
{
    ZSTD_inBuffer in = {.src = file->in, .size = file->n, .pos = file->at};
    ZSTD_outBuffer out = {.dst = bytes, .size = room};
    const size_t rc = ZSTD_decompressStream(file->zstd, &out, &in);
    if (ZSTD_isError(rc))
        return refuse(file, ZSTD_getErrorName(rc), err);
    file->at = in.pos;
    file->inside = rc != 0;
    file->any = true;
    *n = out.pos;
    return 0;
}

int text_file_read(struct text_file *file, unsigned char *bytes, size_t room, size_t *n,
                   struct err *err)
{
    ASSERT(room > 0);
    *n = 0;
    for (;;) {
        int rc = fill(file, 1, err);
        if (rc < 0)
            return rc;
        const bool over = file->at == file->n;
        if (over && (file->form == FORM_PLAIN || (file->any && !file->inside)))
            return 0;
        // an archive may hold back text although all of it has been read
        rc = file->form == FORM_PLAIN  ? read_plain(file, bytes, room, n)
             : file->form == FORM_GZIP ? read_gzip(file, bytes, room, n, err)
                                       : read_zstd(file, bytes, room, n, err);
        if (rc < 0 || *n > 0)
            return rc;
        if (over && file->inside)
            return refuse(file, "cut short", err);
    }
}
