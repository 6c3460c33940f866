#include "proto/file/aside.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/file/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Makes RUN/checkpoints/aside-TIME, or aside-TIME-2 and so on where that is there. */
static char *make_folder(const char *run, struct err *err)
{
    char when[sizeof "20000101T000000Z"];
    time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    char *folder = mem_format("%s/checkpoints/aside-%s", run, when);
    for (int i = 2; mkdir(folder, 0777) < 0; i++) {
        if (errno != EEXIST) {
            err_set(err, ERR_TRAIN, "%s: cannot make the folder: %s", folder, strerror(errno));
            free(folder);
            return NULL;
        }
        free(folder);
        folder = mem_format("%s/checkpoints/aside-%s-%d", run, when, i);
    }
    return folder;
}

static int move(const char *run, uint64_t step, const char *folder, struct err *err)
{
    char *from = checkpoint_folder(run, step), *to = file_join(folder, strrchr(from, '/') + 1);
    int rc = rename(from, to) < 0
                 ? err_set(err, ERR_TRAIN, "%s: cannot move to %s: %s", from, to, strerror(errno))
                 : 0;
    free(to);
    free(from);
    return rc;
}

static int copy_metrics(const char *run, const char *folder, struct err *err)
{
    char *from = file_join(run, "metrics.jsonl"), *to = file_join(folder, "metrics.jsonl");
    size_t size = 0;
    char *bytes = file_exists(from) ? file_read(from, &size, ERR_TRAIN, err) : NULL;
    int rc = bytes               ? file_write_atomic(to, bytes, size, ERR_TRAIN, err)
             : file_exists(from) ? -1
                                 : 0;
    free(bytes);
    free(to);
    free(from);
    return rc;
}

int aside_newer(char **folder, size_t *n, const char *run, uint64_t step, struct err *err)
{
    size_t n_steps = 0, n_newer = 0;
    uint64_t *steps = checkpoint_steps(run, &n_steps, err);
    if (!steps)
        return -1;
    while (n_newer < n_steps && steps[n_steps - 1 - n_newer] > step)
        n_newer++;
    char *made = n_newer ? make_folder(run, err) : NULL, *above = file_join(run, "checkpoints");
    int rc = n_newer && !made ? -1 : 0;
    if (made && rc == 0)
        rc = copy_metrics(run, made, err);
    for (size_t i = 0; rc == 0 && i < n_newer; i++)
        rc = move(run, steps[n_steps - 1 - i], made, err);
    if (made && rc == 0)
        rc = file_sync_dir(made, ERR_TRAIN, err) < 0 ? -1 : file_sync_dir(above, ERR_TRAIN, err);
    free(above);
    free(steps);
    if (rc < 0) {
        free(made);
        return -1;
    }
    *folder = made;
    *n = n_newer;
    return 0;
}
