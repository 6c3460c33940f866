#include "proto/file/run_proof.h"

#include "base/clock.h"
#include "base/mem.h"
#include "proto/file/incarnation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double see_seconds = 3, look_seconds = 0.1;
/* The longest name below a run: a shard of a fork that is being saved. */
static const char longest[] = "/checkpoints/step-18446744073709551615.new/suspended/"
                              "h4294967295.4294967295-reversed-or-longer/"
                              "shard-65535-of-65535.safetensors.tmp-4194304";

int run_proof_path(const char *run, struct err *err)
{
    const size_t room = PATH_MAX - sizeof longest, length = strlen(run);
    if (length <= room)
        return 0;
    return err_set(err, ERR_USAGE,
                   "%.60s...: found a path of %zu bytes, expected at most %zu: the names of a "
                   "checkpoint's files would be longer than the system's %d",
                   run, length, room, PATH_MAX);
}

/* Opening the folder makes NFS look again. */
static void look_again(const char *run)
{
    DIR *dir = opendir(run);
    if (dir)
        closedir(dir);
}

/* " (in /home/u)" for a path that begins there. */
static char *place_of(const char *run)
{
    char *here = run[0] == '/' ? NULL : getcwd(NULL, 0),
         *place = here ? mem_format(" (in %s)", here) : mem_strdup("");
    free(here);
    return place;
}

int run_proof_see(const char *run, uint64_t incarnation, struct err *err)
{
    uint64_t found = 0;
    for (double end = clock_now() + see_seconds;;) {
        look_again(run);
        if (incarnation_read(&found, run, err) < 0)
            return -1;
        if (found >= incarnation || clock_now() > end)
            break;
        clock_sleep(look_seconds);
    }
    if (found == incarnation)
        return 0;
    char *place = place_of(run);
    if (found)
        err_set(err, ERR_USAGE,
                "%s%s: found launch %" PRIu64 " of a run, expected launch %" PRIu64
                " of it: the run's folder must be one that all nodes share",
                run, place, found, incarnation);
    else
        err_set(err, ERR_USAGE,
                "%s%s: found no run, expected launch %" PRIu64
                " of one: the run's folder must be one that all nodes share",
                run, place, incarnation);
    free(place);
    return -1;
}

int run_proof_write(const char *run, const char *name, struct err *err)
{
    char *path = mem_format("%s/checkpoints/%s", run, name);
    // nothing needs to last: not synced
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc = 0;
    bool written = fd >= 0 && write(fd, "\n", 1) == 1;
    if (fd >= 0)
        written = close(fd) == 0 && written;
    if (!written)
        rc = err_set(err, ERR_USAGE, "%s: cannot write: %s", path, strerror(errno));
    if (rc == 0 && unlink(path) < 0 && errno != ENOENT) // an older launch has removed its own
        rc = err_set(err, ERR_USAGE, "%s: cannot remove: %s", path, strerror(errno));
    free(path);
    return rc;
}
