/* A flock that is not what it should be, put before a program by LD_PRELOAD: it fails with
 * FLOCK_ERROR, or grants every lock where that is 0. Only files called "lock" are meant, as a run's
 * is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int flock(int fd, int operation);

static int is_of_run(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    const char *name = strrchr(path, '/');
    return name && !strcmp(name, "/lock");
}

int flock(int fd, int operation)
{
    if (!is_of_run(fd))
        return (int)syscall(SYS_flock, fd, operation);
    errno = FLOCK_ERROR;
    return FLOCK_ERROR ? -1 : 0;
}
