#include "launcher/commands/looks.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/gate/student.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static const double lock_seconds = 10;

double looks_level(unsigned k)
{
    return 1 - 0.05 / ((double)k * (k + 1.0));
}

void looks_clear(struct looks *looks)
{
    for (size_t i = 0; i < looks->n; i++)
        message_free(looks->list[i]);
    free(looks->list);
    *looks = (struct looks){0};
}

int looks_read(struct looks *looks, const char *run, struct err *err)
{
    char *path = file_join(run, "looks.jsonl");
    size_t size = 0;
    char *bytes = file_exists(path) ? file_read(path, &size, ERR_DATA, err) : NULL;
    int rc = bytes || !file_exists(path) ? 0 : -1;
    *looks = (struct looks){0};
    const char *at = bytes;
    for (const char *end; rc == 0 && bytes && (end = memchr(at, '\n', size - (size_t)(at - bytes)));
         at = end + 1) {
        Trireme__Look *look = message_new(&trireme__look__descriptor);
        looks->list = mem_resize(looks->list, looks->n + 1, sizeof(*looks->list));
        looks->list[looks->n++] = look;
        rc = json_read(look, at, (size_t)(end - at), path, ERR_DATA, err);
    }
    if (rc < 0)
        looks_clear(looks);
    free(bytes);
    free(path);
    return rc;
}

static int lock(int fd, const char *path, struct err *err)
{
    const double until = clock_now() + lock_seconds;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return 0; // a file system without locks
        if (clock_now() > until)
            return err_set(err, ERR_MACHINE, "%s: is locked by another look for %g s", path,
                           lock_seconds);
        clock_sleep(0.01);
    }
    return 0;
}

static void fill(Trireme__Look *look, unsigned k, double error, size_t windows)
{
    char when[32];
    struct tm utc;
    const time_t now = time(NULL);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    free(look->time);
    look->time = mem_strdup(when);
    look->has_look = look->has_level = 1;
    look->look = k, look->level = looks_level(k);
    look->has_half_width = windows > 1;
    if (windows > 1) {
        const unsigned nu = windows > UINT_MAX ? UINT_MAX : (unsigned)windows - 1;
        look->half_width = error * student_quantile((1 - look->level) / 2, nu);
    }
}

int looks_add(Trireme__Look *look, const char *run, double error, size_t windows, struct err *err)
{
    char *path = file_join(run, "looks.jsonl"), *line = NULL;
    struct looks before = {0};
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = fd < 0 ? err_set(err, ERR_USAGE,
                              "%s: the look cannot be counted, so its loss is not told: %s", path,
                              strerror(errno))
                    : lock(fd, path, err);
    if (rc == 0)
        rc = looks_read(&before, run, err);
    if (rc == 0) {
        fill(look, (unsigned)before.n + 1, error, windows);
        char *json = json_write(look);
        line = mem_format("%s\n", json);
        free(json);
        const ssize_t n = (ssize_t)strlen(line);
        if (write(fd, line, (size_t)n) != n || fsync(fd) < 0)
            rc = err_set(err, ERR_USAGE,
                         "%s: the look cannot be counted, so its loss is not told: %s", path,
                         strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    looks_clear(&before);
    free(line);
    free(path);
    return rc;
}
