#include "coordinator/inbox/inbox.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/file_sure.h"
#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_BYTES_MAX = 1 << 20 };
#define STOP_END   ".stop"
#define ANSWER_END ".answer.json"
static const double POLL_SECONDS = 0.05, FIRST_POLL_SECONDS = 0.005;

static char *folder_of(const char *run)
{
    return file_join(run, "inbox");
}

static bool is_request(const char *name, enum inbox_kind kind)
{
    return file_name_ends(name, ".json") && !file_name_ends(name, ANSWER_END) &&
           !strstr(name, ".tmp-") &&
           file_name_ends(name, STOP_END ".json") == (kind == INBOX_STOPS);
}

/* Opens the folder, which is closed to others where that can be done; -1 with ERR_USAGE if requests
 * in it cannot be trusted: others may write to it. */
static int open_folder(const char *folder, struct err *err)
{
    struct stat st;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_USAGE, "%s: cannot open the folder: %s", folder, strerror(errno));
    int rc = 0;
    if (fstat(fd, &st) == 0 && (st.st_mode & 0777) != 0700)
        fchmod(fd, 0700); // another user's folder, and some file systems, refuse
    if (fstat(fd, &st) < 0)
        rc = err_set(err, ERR_USAGE, "%s: cannot look at it: %s", folder, strerror(errno));
    else if (st.st_uid != geteuid())
        rc = err_set(err, ERR_USAGE, "%s: found the folder of user %u, expected that of user %u",
                     folder, (unsigned)st.st_uid, (unsigned)geteuid());
    else if (st.st_mode & 022)
        rc = err_set(err, ERR_USAGE, "%s: others may write to it, and this cannot be changed",
                     folder);
    if (rc == 0)
        return fd;
    close(fd);
    return -1;
}

static Trireme__Request *parse(int fd, const struct stat *st, const char *path, struct err *err)
{
    if (st->st_uid != geteuid()) {
        err_set(err, ERR_USAGE, "%s: found a request of user %u, expected one of user %u", path,
                (unsigned)st->st_uid, (unsigned)geteuid());
        return NULL;
    }
    if (st->st_size > INBOX_REQUEST_BYTES_MAX) {
        err_set(err, ERR_USAGE, "%s: found %lld bytes, expected at most %d", path,
                (long long)st->st_size, INBOX_REQUEST_BYTES_MAX);
        return NULL;
    }
    const size_t size = (size_t)st->st_size;
    char *text = mem_new(size + 1, 1);
    Trireme__Request *request = message_new(&trireme__request__descriptor);
    int rc = file_sure_at(fd, path, text, 0, size, err);
    if (rc == 0)
        rc = json_read(request, text, size, path, ERR_USAGE, err);
    free(text);
    if (rc == 0)
        return request;
    message_free(request);
    return NULL;
}

/* Opens what is under the name in the folder, once; all that is asked is asked of what was opened.
 * at: the folder, or -1 where it cannot be trusted: err says why. Returns 1; 0 if it is no regular
 * file. *request is NULL, with a sentence, if it is no request of this user. */
static int read_request(Trireme__Request **request, int at, const char *folder, const char *name,
                        struct err *err)
{
    char *path = file_join(folder, name);
    struct stat st;
    // a pipe must not block, and a link must not lead elsewhere
    const int fd = openat(at < 0 ? AT_FDCWD : at, at < 0 ? path : name,
                          O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const bool regular = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (regular && at >= 0)
        *request = parse(fd, &st, path, err);
    if (fd >= 0)
        close(fd);
    free(path);
    return regular;
}

static int refuse(const char *run, const char *name, const char *why, struct err *err)
{
    Trireme__Answer answer = TRIREME__ANSWER__INIT;
    answer.has_accepted = true;
    answer.text = (char *)why;
    return inbox_answer(run, name, &answer, err);
}

/* Makes *name a copy of found if that comes before it. */
static void keep_first(char **name, const char *found)
{
    if (*name && strcmp(*name, found) <= 0)
        return;
    free(*name);
    *name = mem_strdup(found);
}

/* Reads the names in the folder: the first one of the kind behind `after` (or NULL: of all), and
 * the first of the answers, if those are too many; both fresh, or NULL. A folder that is not there,
 * or whose name is a link, has none. What a file system says to be no file is not looked at. */
static int look(char **first, char **oldest, const char *folder, enum inbox_kind kind,
                const char *after, struct err *err)
{
    const int at = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = at < 0 ? NULL : fdopendir(at);
    size_t n_answers = 0;
    *first = *oldest = NULL;
    if (!dir && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return 0;
    errno = dir ? 0 : errno;
    for (struct dirent *entry; dir && (entry = readdir(dir)); errno = 0) {
        if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
            continue;
        if (is_request(entry->d_name, kind) && (!after || strcmp(entry->d_name, after) > 0))
            keep_first(first, entry->d_name);
        if (!file_name_ends(entry->d_name, ANSWER_END))
            continue;
        n_answers++;
        keep_first(oldest, entry->d_name);
    }
    const int error = errno;
    if (dir)
        closedir(dir);
    else if (at >= 0)
        close(at);
    if (n_answers <= INBOX_ANSWERS_MAX)
        free(*oldest), *oldest = NULL;
    if (!error)
        return 0;
    free(*first), *first = NULL;
    free(*oldest), *oldest = NULL;
    return err_set(err, ERR_TRAIN, "%s: cannot read the folder: %s", folder, strerror(error));
}

/* Takes the request under the name, or refuses what is no request. Returns 0 if it is no file. */
static int take(const char *run, const char *folder, char *file, char **name,
                Trireme__Request **request, struct err *err)
{
    struct err why = {0};
    const int at = open_folder(folder, &why);
    const int found = read_request(request, at, folder, file, &why);
    if (at >= 0)
        close(at);
    if (!found)
        return 0;
    file[strlen(file) - strlen(".json")] = 0;
    if (*request)
        *name = mem_strdup(file);
    else if (refuse(run, file, why.text, err) < 0)
        return -1;
    return 1;
}

int inbox_take_request(const char *run, enum inbox_kind kind, char **name,
                       Trireme__Request **request, struct err *err)
{
    char *folder = folder_of(run), *file = NULL;
    *name = NULL;
    *request = NULL;
    int rc, found = 0;
    do {
        char *passed = file, *oldest = NULL;
        rc = look(&file, &oldest, folder, kind, passed, err);
        if (oldest) {
            char *path = file_join(folder, oldest);
            unlink(path); // if not, the next look tries it again
            free(path);
        }
        free(oldest);
        free(passed);
        if (rc == 0 && file)
            rc = found = take(run, folder, file, name, request, err);
    } while (rc == 0 && file && !found);
    free(file);
    free(folder);
    return rc < 0 ? -1 : found;
}

/* Writes the file of that name in an open folder; path: for the sentence. After a crash of the
 * machine nobody waits for it any more, so it is not told to the disk. */
static int write_at(int at, const char *name, const char *json, const char *path, struct err *err)
{
    char *temporary = mem_format("%s.tmp-%ld", name, (long)getpid());
    unlinkat(at, temporary, 0);
    const int fd =
        openat(at, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    bool done = file && fputs(json, file) >= 0 && fflush(file) == 0;
    done = done && renameat(at, temporary, at, name) == 0;
    const int rc =
        done ? 0 : err_set(err, ERR_TRAIN, "%s: cannot write: %s", path, strerror(errno));
    if (file)
        fclose(file);
    else if (fd >= 0)
        close(fd);
    if (!done)
        unlinkat(at, temporary, 0);
    free(temporary);
    return rc;
}

int inbox_answer(const char *run, const char *name, const Trireme__Answer *answer, struct err *err)
{
    char *folder = folder_of(run), *answered = mem_format("%s.answer.json", name);
    char *path = file_join(folder, answered), *request = mem_format("%s.json", name),
         *json = json_write_pretty(answer);
    const int at = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc =
        at < 0 ? err_set(err, ERR_TRAIN, "%s: cannot open the folder: %s", folder, strerror(errno))
               : write_at(at, answered, json, path, err);
    if (rc == 0 && unlinkat(at, request, 0) < 0 && errno != ENOENT)
        rc = err_set(err, ERR_TRAIN, "%s/%s: cannot remove: %s", folder, request, strerror(errno));
    if (at >= 0)
        close(at);
    free(json);
    free(request);
    free(path);
    free(answered);
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
    struct stat st;
    char *text = NULL;
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    Trireme__Answer *found = message_new(&trireme__answer__descriptor);
    int rc = 0;
    if (fd < 0 || fstat(fd, &st) < 0)
        rc = err_set(err, ERR_MACHINE, "%s: cannot open: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode) || st.st_size > ANSWER_BYTES_MAX)
        rc = err_set(err, ERR_MACHINE, "%s: expected a regular file of at most %d bytes", path,
                     ANSWER_BYTES_MAX);
    else
        text = mem_new((size_t)st.st_size + 1, 1);
    if (text)
        rc = file_sure_at(fd, path, text, 0, (size_t)st.st_size, err);
    if (rc == 0)
        rc = json_read(found, text, (size_t)st.st_size, path, ERR_MACHINE, err);
    if (fd >= 0)
        close(fd);
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
    bool open; // whoever takes the request says it
    int rc = file_make_private(&open, folder, ERR_USAGE, err);
    if (rc == 0)
        rc = file_write_atomic(path, json, strlen(json), ERR_USAGE, err);
    bool there = false;
    double pause = FIRST_POLL_SECONDS;
    for (double end = clock_now() + seconds;
         rc == 0 && !(there = is_there(folder, answered)) && clock_now() < end;) {
        clock_sleep(pause);
        pause = pause * 1.2 < POLL_SECONDS ? pause * 1.2 : POLL_SECONDS;
    }
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
