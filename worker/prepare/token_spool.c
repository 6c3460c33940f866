#include "worker/prepare/token_spool.h"

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"
#include "worker/data/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refuse(const struct token_spool *spool, const char *what, struct err *err)
{
    return err_set(err, ERR_USAGE, "%s: cannot %s a file of tokens beside it: %s", spool->shown,
                   what, strerror(errno));
}

int token_spool_open(struct token_spool *spool, const char *folder, struct err *err)
{
    char *place = path_parent(folder);
    while (!file_is_dir(place)) {
        char *above = path_parent(place);
        free(place);
        place = above;
    }
    *spool = (struct token_spool){.shown = path_trim(folder)};
    spool->fd = open(place, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spool->fd < 0) { // not every file system has files without a name
        char *name = file_join(place, ".tokens-XXXXXX");
        spool->fd = mkostemp(name, O_CLOEXEC);
        if (spool->fd >= 0)
            unlink(name);
        free(name);
    }
    free(place);
    if (spool->fd >= 0)
        return 0;
    refuse(spool, "make", err);
    free(spool->shown);
    *spool = (struct token_spool){0};
    return -1;
}

void token_spool_close(struct token_spool *spool)
{
    if (spool->shown)
        close(spool->fd);
    free(spool->shown);
    *spool = (struct token_spool){0};
}

int token_spool_put(struct token_spool *spool, struct spool_list *list, const uint32_t *ids,
                    size_t n, struct err *err)
{
    const uint64_t first = atomic_fetch_add(&spool->n, n);
    for (size_t done = 0; done < n * sizeof *ids;) {
        const ssize_t now = pwrite(spool->fd, (const char *)ids + done, n * sizeof *ids - done,
                                   (off_t)(first * sizeof *ids + done));
        if (now < 0 && errno != EINTR)
            return refuse(spool, "write", err);
        done += now > 0 ? (size_t)now : 0;
    }
    list->extents = mem_grow(list->extents, list->n, &list->room, sizeof *list->extents);
    list->extents[list->n++] = (struct spool_extent){first, n};
    list->tokens += n;
    return 0;
}

void spool_list_clear(struct spool_list *list)
{
    free(list->extents);
    *list = (struct spool_list){0};
}

static int get(const struct token_spool *spool, uint32_t *ids, uint64_t first, size_t n,
               struct err *err)
{
    for (size_t done = 0; done < n * sizeof *ids;) {
        const ssize_t now = pread(spool->fd, (char *)ids + done, n * sizeof *ids - done,
                                  (off_t)(first * sizeof *ids + done));
        if (now == 0)
            errno = EIO;
        if (now == 0 || (now < 0 && errno != EINTR))
            return refuse(spool, "read", err);
        done += now > 0 ? (size_t)now : 0;
    }
    return 0;
}

int token_spool_get(const struct token_spool *spool, const struct spool_list *list, uint32_t *ids,
                    uint64_t first, size_t n, struct err *err)
{
    ASSERT(n <= list->tokens && first <= list->tokens - n);
    for (size_t i = 0; n; i++) {
        const struct spool_extent *extent = &list->extents[i];
        if (first >= extent->n) {
            first -= extent->n;
            continue;
        }
        const size_t now = n < extent->n - first ? n : (size_t)(extent->n - first);
        if (get(spool, ids, extent->first + first, now, err) < 0)
            return -1;
        ids += now;
        n -= now;
        first = 0;
    }
    return 0;
}
