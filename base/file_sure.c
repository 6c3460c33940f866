#include "base/file_sure.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART_BYTES_MIN = 1 << 12, PART_BYTES = 1 << 20 };

/* Whether the error says that nothing is there. */
static bool says_missing(int error)
{
    return error == ENOENT || error == ENOTDIR;
}

int file_sure_there(bool *there, const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) == 0)
        *there = true;
    else if (says_missing(errno))
        *there = false;
    else
        return err_set(err, ERR_MACHINE, "%s: cannot look at it: %s", path, strerror(errno));
    return 0;
}

int file_sure_open(int *fd, uint64_t *size, const char *path, struct err *err)
{
    struct stat st;
    const int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0)
        return err_set(err, says_missing(errno) ? ERR_DATA : ERR_MACHINE, "%s: cannot open: %s",
                       path, strerror(errno));
    int rc = 0;
    if (fstat(opened, &st) < 0)
        rc = err_set(err, ERR_MACHINE, "%s: cannot look at it: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        rc = err_set(err, ERR_DATA, "%s: expected a regular file", path);
    if (rc < 0) {
        close(opened);
        return -1;
    }
    *size = (uint64_t)st.st_size;
    *fd = opened;
    return 0;
}

int file_sure_each(const char *path, file_sure_fn take, void *context, struct err *err)
{
    int fd = -1;
    uint64_t size = 0;
    if (file_sure_open(&fd, &size, path, err) < 0)
        return -1;
    const size_t part = size < PART_BYTES_MIN ? PART_BYTES_MIN
                        : size < PART_BYTES   ? (size_t)size
                                              : PART_BYTES;
    char *bytes = mem_new(part, 1);
    ssize_t n;
    do
        n = read(fd, bytes, part);
    while (n > 0 ? take(context, bytes, (size_t)n) : n < 0 && errno == EINTR);
    int rc = n < 0 ? err_set(err, ERR_MACHINE, "%s: cannot read: %s", path, strerror(errno)) : 0;
    free(bytes);
    close(fd);
    return rc;
}

static bool add(void *context, const void *bytes, size_t size)
{
    text_add_bytes(context, bytes, size);
    return true;
}

char *file_sure_read(const char *path, size_t *size, struct err *err)
{
    struct text text = {0};
    if (file_sure_each(path, add, &text, err) < 0) {
        text_clear(&text);
        return NULL;
    }
    if (size)
        *size = text.size;
    return text_take(&text);
}

int file_sure_at(int fd, const char *path, void *bytes, uint64_t offset, size_t size,
                 struct err *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd, (char *)bytes + done, size - done, (off_t)(offset + done));
        if (n == 0)
            return err_set(err, ERR_DATA, "%s: found its end at byte %llu, expected more", path,
                           (unsigned long long)(offset + done));
        if (n < 0 && errno != EINTR)
            return err_set(err, ERR_MACHINE, "%s: cannot read: %s", path, strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}
