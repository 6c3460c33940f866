#include "coordinator/proposals/inbox.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_BYTES_MAX = 1 << 20 };
#define STOP_END ".stop"
static const double POLL_SECONDS = 0.05;

static char *folder_of(const char *run)
{
    return file_join(run, "inbox");
}

static bool is_request(const char *folder, const char *name, enum inbox_kind kind)
{
    struct stat st;
    if (!file_name_ends(name, ".json") || file_name_ends(name, ".answer.json") ||
        strstr(name, ".tmp-") || file_name_ends(name, STOP_END ".json") != (kind == INBOX_STOPS))
        return false;
    char *path = file_join(folder, name);
    bool regular = lstat(path, &st) == 0 && S_ISREG(st.st_mode);
    free(path);
    return regular;
}

/* The name of the first request of a kind in the order of names, or NULL. */
static int find_first(char **first, const char *folder, enum inbox_kind kind, struct err *err)
{
    DIR *dir = opendir(folder);
    *first = NULL;
    if (!dir)
        return errno == ENOENT ? 0
                               : err_set(err, ERR_TRAIN, "%s: cannot read the folder: %s", folder,
                                         strerror(errno));
    for (struct dirent *entry; (entry = readdir(dir));) {
        if ((*first && strcmp(entry->d_name, *first) >= 0) ||
            !is_request(folder, entry->d_name, kind))
            continue;
        free(*first);
        *first = mem_strdup(entry->d_name);
    }
    closedir(dir);
    return 0;
}

static Trireme__Request *read_request(const char *path, struct err *err)
{
    struct stat st = {0};
    if (stat(path, &st) == 0 && st.st_size > REQUEST_BYTES_MAX) {
        err_set(err, ERR_USAGE, "%s: found %lld bytes, expected at most %d", path,
                (long long)st.st_size, REQUEST_BYTES_MAX);
        return NULL;
    }
    size_t size = 0;
    char *text = file_read(path, &size, ERR_USAGE, err);
    Trireme__Request *request = message_new(&trireme__request__descriptor);
    int rc = text ? json_read(request, text, size, path, ERR_USAGE, err) : -1;
    free(text);
    if (rc == 0)
        return request;
    message_free(request);
    return NULL;
}

static int refuse(const char *run, const char *name, const char *why, struct err *err)
{
    Trireme__Answer answer = TRIREME__ANSWER__INIT;
    answer.has_accepted = true;
    answer.text = (char *)why;
    return inbox_answer(run, name, &answer, err);
}

int inbox_take_request(const char *run, enum inbox_kind kind, char **name,
                       Trireme__Request **request, struct err *err)
{
    char *folder = folder_of(run), *first = NULL;
    *name = NULL;
    *request = NULL;
    int rc = find_first(&first, folder, kind, err);
    if (first) {
        struct err why;
        char *path = file_join(folder, first);
        first[strlen(first) - strlen(".json")] = 0;
        *request = read_request(path, &why);
        rc = *request ? 1 : refuse(run, first, why.text, err) < 0 ? -1 : 1;
        free(path);
    }
    free(folder);
    if (*request)
        *name = first;
    else
        free(first);
    return rc;
}

int inbox_answer(const char *run, const char *name, const Trireme__Answer *answer, struct err *err)
{
    char *folder = folder_of(run), *path = mem_format("%s/%s.answer.json", folder, name);
    char *request = mem_format("%s/%s.json", folder, name), *json = json_write_pretty(answer);
    int rc = file_write_atomic(path, json, strlen(json), ERR_TRAIN, err);
    if (rc == 0 && unlink(request) < 0 && errno != ENOENT)
        rc = err_set(err, ERR_TRAIN, "%s: cannot remove: %s", request, strerror(errno));
    free(json);
    free(request);
    free(path);
    free(folder);
    return rc;
}

/* "20250131T235959.123456789Z-4711": names sort by time. */
static char *fresh_name(const char *end)
{
    struct timespec now;
    struct tm utc;
    char seconds[sizeof "20000101T000000"];
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(seconds, sizeof seconds, "%Y%m%dT%H%M%S", gmtime_r(&now.tv_sec, &utc));
    return mem_format("%s.%09ldZ-%ld%s", seconds, now.tv_nsec, (long)getpid(), end);
}

/* Whether the file is there, also if another node has just made it: opening the folder makes NFS
 * look again. */
static bool is_there(const char *folder, const char *path)
{
    DIR *dir = opendir(folder);
    if (dir)
        closedir(dir);
    return file_exists(path);
}

static int read_answer(Trireme__Answer **answer, const char *path, struct err *err)
{
    size_t size = 0;
    char *text = file_read(path, &size, ERR_MACHINE, err);
    Trireme__Answer *found = message_new(&trireme__answer__descriptor);
    int rc = text ? json_read(found, text, size, path, ERR_MACHINE, err) : -1;
    free(text);
    if (rc < 0) {
        message_free(found);
        return -1;
    }
    unlink(path); // nobody else waits for it
    *answer = found;
    return 0;
}

int inbox_ask(Trireme__Answer **answer, const char *run, const Trireme__Request *request,
              double seconds, struct err *err)
{
    char *folder = folder_of(run), *name = fresh_name(request->has_stop ? STOP_END : ""),
         *json = json_write_pretty(request);
    char *path = mem_format("%s/%s.json", folder, name),
         *answered = mem_format("%s/%s.answer.json", folder, name);
    int rc = file_make_dirs(folder, ERR_USAGE, err);
    if (rc == 0)
        rc = file_write_atomic(path, json, strlen(json), ERR_USAGE, err);
    bool there = false;
    for (double end = clock_now() + seconds;
         rc == 0 && !(there = is_there(folder, answered)) && clock_now() < end;)
        clock_sleep(POLL_SECONDS);
    Trireme__Answer *found = NULL;
    if (there)
        rc = read_answer(&found, answered, err);
    else if (request->has_stop)
        unlink(path); // no later launch is meant
    free(answered);
    free(path);
    free(json);
    free(name);
    free(folder);
    if (rc == 0)
        *answer = found;
    return rc;
}
