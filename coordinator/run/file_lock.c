#include "coordinator/run/file_lock.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static const double look_seconds = 0.02, wait_seconds = 1;

static bool says_missing(int error)
{
    return error == ENOSYS || error == EOPNOTSUPP || error == ENOTSUP || error == EIO ||
           error == ENOLCK;
}

/* Whoever only asks whether it is locked may hold it for a moment. Returns 0, or errno. */
static int lock_within_a_second(file_lock_fn lock, int fd)
{
    for (double end = clock_now() + wait_seconds;;) {
        if (lock(fd, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if ((errno != EWOULDBLOCK && errno != EINTR) || clock_now() > end)
            return errno;
        clock_sleep(look_seconds);
    }
}

/* Whether the lock that is held keeps a second opening of the file out. */
static bool excludes(file_lock_fn lock, const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool out = fd >= 0 && lock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return out;
}

int file_lock_take(char **missing, file_lock_fn lock, int fd, const char *path, struct err *err)
{
    const int error = lock_within_a_second(lock, fd);
    if (error == EWOULDBLOCK)
        return 1;
    if (error && !says_missing(error))
        return err_set(err, ERR_MACHINE, "%s: cannot lock: %s", path, strerror(error));
    if (error)
        *missing = mem_format("flock fails (%s)", strerror(error));
    else if (!excludes(lock, path))
        *missing = mem_strdup("flock succeeds, but does not keep a second one out");
    return 0;
}

char *file_lock_missing(const char *folder)
{
    char *path = mem_format("%s/lock.try-%ld", folder, (long)getpid()), *missing = NULL;
    struct err err;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        missing = mem_format("no file can be made there (%s)", strerror(errno));
    else if (file_lock_take(&missing, flock, fd, path, &err) < 0)
        missing = mem_strdup(err.text);
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    free(path);
    return missing;
}
