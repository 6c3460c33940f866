#include "launcher/machine/leftovers.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "launcher/machine/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 3, TEXT_MAX = 1 << 16 };
static const double end_seconds = 3, killed_seconds = 2, look_seconds = 0.05;
/* How segments are called: NAME.HOST.UID.JOB.RANK, the job in hexadecimal. */
static const char *const segment_names[] = {"vader_segment.", "sm_segment."};

struct leftovers_mark {
    char *shared, *path;
    int fd;
};

/* Marks */

static char *mark_prefix(void)
{
    return mem_format("trireme.%u.", (unsigned)geteuid());
}

/* Makes the file, whose path ends in XXXXXX, and locks it. Somebody who sweeps may have taken it
 * for left in between: then it has no name any more. */
static int make_locked(char *path)
{
    const size_t end = strlen(path);
    for (int i = 0; i < TRIES; i++) {
        struct stat st;
        memset(path + end - 6, 'X', 6);
        int fd = mkostemp(path, O_CLOEXEC);
        if (fd < 0)
            return -1;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink > 0)
            return fd;
        close(fd);
    }
    return -1;
}

static void append(int fd, const struct text *text)
{
    // a mark that is cut short tells of less
    if (text->size && write(fd, text->bytes, text->size) < 0)
        return;
}

struct leftovers_mark *leftovers_mark(const char *shared, const struct leftovers_told *told)
{
    char *prefix = mark_prefix(),
         *path = mem_format("%s/%s%ld.XXXXXX", shared, prefix, (long)getpid());
    free(prefix);
    int fd = make_locked(path);
    if (fd < 0) {
        free(path);
        return NULL;
    }
    struct text text = {0};
    if (told->session)
        text_printf(&text, "session %s\n", told->session);
    if (told->above && told->mpirun)
        text_printf(&text, "mpirun %ld %s\n", (long)told->mpirun, told->above);
    if (told->job)
        text_printf(&text, "job %" PRIx32 "\n", told->job);
    append(fd, &text);
    text_clear(&text);
    struct leftovers_mark *mark = mem_new(1, sizeof *mark);
    *mark = (struct leftovers_mark){.shared = mem_strdup(shared), .path = path, .fd = fd};
    return mark;
}

void leftovers_mark_mapped(struct leftovers_mark *mark)
{
    if (!mark)
        return;
    struct text used = {0}, text = {0};
    processes_files_of(&used, getpid());
    for (size_t i = 0; i < sizeof segment_names / sizeof *segment_names; i++) {
        char *begin = mem_format("%s/%s", mark->shared, segment_names[i]);
        for (char *at = used.bytes; at && (at = strstr(at, begin)); at += strcspn(at, "\n"))
            text_printf(&text, "segment %.*s\n", (int)strcspn(at, "\n"), at);
        free(begin);
    }
    append(mark->fd, &text);
    text_clear(&text);
    text_clear(&used);
}

void leftovers_mark_over(struct leftovers_mark *mark)
{
    if (!mark)
        return;
    close(mark->fd);
    free(mark->path);
    free(mark->shared);
    free(mark);
}

void leftovers_unmark(struct leftovers_mark *mark)
{
    if (!mark)
        return;
    unlink(mark->path);
    leftovers_mark_over(mark);
}

/* Sweeping */

struct sweep {
    const char *shared;
    char **names;     /* in that folder */
    struct text used; /* files that processes of this user use, a line each */
    struct text told; /* the lines of the marks of processes that live, each behind a line end */
};

/* Whether a process uses the file, or one below the folder. */
static bool in_use(const struct sweep *s, const char *path, bool folder)
{
    char *line = mem_format("%s%s", path, folder ? "/" : "\n");
    bool used = s->used.bytes && strstr(s->used.bytes, line);
    free(line);
    return used;
}

static bool is_mine(const char *path, mode_t kind)
{
    struct stat st;
    return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind && st.st_uid == geteuid();
}

/* Removes a file unless somebody uses it, which returns false. */
static bool drop_file(const struct sweep *s, const char *path)
{
    if (!is_mine(path, S_IFREG))
        return true;
    if (in_use(s, path, false))
        return false;
    unlink(path);
    return true;
}

/* Whether it is called as Open MPI calls the folders of its sessions: ompi.HOST.UID/pid.N or jf.N;
 * *pid gets N of the first. */
static bool is_session(const char *path, long *pid)
{
    const char *name = strrchr(path, '/');
    if (!name || path[0] != '/')
        return false;
    char *above = mem_format("%.*s", (int)(name - path), path),
         *end = mem_format(".%u", (unsigned)geteuid());
    const char *above_name = strrchr(above, '/');
    char *rest = NULL;
    bool named = above_name && !strncmp(above_name, "/ompi.", 6) && file_name_ends(above_name, end);
    *pid = 0;
    if (named && !strncmp(name, "/pid.", 5))
        *pid = strtol(name + 5, &rest, 10), named = rest > name + 5 && !*rest;
    else if (named && !strncmp(name, "/jf.", 4))
        strtol(name + 4, &rest, 10), named = rest > name + 4 && !*rest;
    else
        named = false;
    free(end);
    free(above);
    return named;
}

static bool drop_session(const struct sweep *s, const char *path)
{
    long pid = 0;
    if (!is_session(path, &pid) || !is_mine(path, S_IFDIR))
        return true;
    struct process mpirun = {.ended = true};
    if (pid)
        process_look(&mpirun, (pid_t)pid);
    if (!mpirun.ended || in_use(s, path, true))
        return false; // mpirun is still ending, or another one has that number
    struct err left;  // nobody is there to tell
    file_remove_tree(path, ERR_MACHINE, &left);
    char *above = mem_format("%.*s", (int)(strrchr(path, '/') - path), path);
    rmdir(above); // unless there are others
    free(above);
    return true;
}

/* The session of an mpirun below the folder in which it makes them. */
static bool drop_session_of(const struct sweep *s, const char *above, long mpirun)
{
    size_t n = 0;
    struct err err;
    char **names = file_names(above, &n, ERR_MACHINE, &err);
    bool gone = true;
    for (size_t i = 0; names && i < n; i++) {
        if (strncmp(names[i], "ompi.", 5))
            continue;
        char *path = mem_format("%s/%s/pid.%ld", above, names[i], mpirun);
        gone = drop_session(s, path) && gone;
        free(path);
    }
    file_names_free(names);
    return gone;
}

/* Whether the name is NAME.HOST.UID.JOB.RANK of this user and job. */
static bool is_segment(const char *name, const char *job)
{
    char *end = mem_format(".%u.%s.", (unsigned)geteuid(), job);
    bool is = false;
    for (size_t i = 0; i < sizeof segment_names / sizeof *segment_names && !is; i++) {
        const char *at =
            strncmp(name, segment_names[i], strlen(segment_names[i])) ? NULL : strstr(name, end);
        is = at && at[strlen(end)] &&
             strspn(at + strlen(end), "0123456789") == strlen(at + strlen(end));
    }
    free(end);
    return is;
}

static bool drop_segments(const struct sweep *s, const char *job)
{
    bool gone = true;
    for (size_t i = 0; s->names[i]; i++) {
        if (!is_segment(s->names[i], job))
            continue;
        char *path = file_join(s->shared, s->names[i]);
        gone = drop_file(s, path) && gone;
        free(path);
    }
    return gone;
}

/* A path that a mark says: of a segment, directly in the folder. */
static bool is_segment_path(const struct sweep *s, const char *path)
{
    const size_t n = strlen(s->shared);
    const char *name = path + n + 1;
    if (strncmp(path, s->shared, n) || path[n] != '/' || strchr(name, '/'))
        return false;
    for (size_t i = 0; i < sizeof segment_names / sizeof *segment_names; i++)
        if (!strncmp(name, segment_names[i], strlen(segment_names[i])))
            return true;
    return false;
}

/* Removes what one line of a mark tells of; false if somebody still uses it. */
static bool drop_told(const struct sweep *s, char *line)
{
    char *value = strchr(line, ' '), *rest = NULL, *whole = mem_format("\n%s\n", line);
    const bool lives = s->told.bytes && strstr(s->told.bytes, whole);
    free(whole);
    if (lives) // others of the same job do
        return false;
    if (!value)
        return true;
    *value++ = 0;
    if (!strcmp(line, "session"))
        return drop_session(s, value);
    if (!strcmp(line, "job"))
        return drop_segments(s, value);
    if (!strcmp(line, "segment"))
        return !is_segment_path(s, value) || drop_file(s, value);
    if (!strcmp(line, "mpirun")) {
        const long pid = strtol(value, &rest, 10);
        return pid <= 0 || *rest != ' ' || drop_session_of(s, rest + 1, pid);
    }
    return true;
}

/* Opens a mark of this user and reads it; NULL if it is none. *left: its process was killed; then
 * it is locked until *fd is closed. */
static char *open_mark(int *fd, bool *left, const char *path)
{
    struct stat st;
    *fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (*fd < 0)
        return NULL;
    if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink) {
        char *text = mem_new(TEXT_MAX, 1);
        *left = flock(*fd, LOCK_EX | LOCK_NB) == 0;
        if (pread(*fd, text, TEXT_MAX - 1, 0) >= 0)
            return text;
        free(text);
    }
    close(*fd);
    return NULL;
}

/* Adds what the mark tells of if its process lives. Returns whether it was killed. */
static bool add_living(struct sweep *s, const char *path)
{
    int fd;
    bool left = false;
    char *text = open_mark(&fd, &left, path);
    if (!text)
        return false;
    if (!left)
        text_printf(&s->told, "\n%s", text);
    close(fd);
    free(text);
    return left;
}

/* Removes a mark whose process was killed with all that it tells of. */
static void sweep_mark(const struct sweep *s, const char *path)
{
    int fd;
    bool left;
    char *text = open_mark(&fd, &left, path), *save = NULL;
    if (!text)
        return;
    bool gone = left;
    for (char *line = left ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save))
        gone = drop_told(s, line) && gone;
    if (gone)
        unlink(path);
    close(fd);
    free(text);
}

void leftovers_sweep(const char *shared)
{
    struct err err;
    size_t n = 0, n_marks = 0, n_left = 0;
    // before the processes: a segment that is there now is in use when they are looked at, or left
    struct sweep s = {.shared = shared, .names = file_names(shared, &n, ERR_MACHINE, &err)};
    char *prefix = mark_prefix(), **marks = mem_new(n + 1, sizeof *marks);
    for (size_t i = 0; s.names && i < n; i++)
        if (!strncmp(s.names[i], prefix, strlen(prefix)))
            marks[n_marks++] = file_join(shared, s.names[i]);
    for (size_t i = 0; i < n_marks; i++)
        n_left += add_living(&s, marks[i]);
    if (n_left)
        processes_files(&s.used);
    for (size_t i = 0; i < n_marks && n_left; i++)
        sweep_mark(&s, marks[i]);
    file_names_free(marks);
    text_clear(&s.used);
    text_clear(&s.told);
    free(prefix);
    file_names_free(s.names);
}

/* Waits until no process of the session is left. */
static bool await_end(pid_t session, double seconds)
{
    for (double end = clock_now() + seconds; processes_of_session(session, 0) > 0;) {
        if (clock_now() > end)
            return false;
        clock_sleep(look_seconds);
    }
    return true;
}

void leftovers_end(const char *shared, pid_t mpirun)
{
    if (!await_end(mpirun, end_seconds)) {
        processes_of_session(mpirun, SIGKILL);
        await_end(mpirun, killed_seconds);
    }
    leftovers_sweep(shared);
}
