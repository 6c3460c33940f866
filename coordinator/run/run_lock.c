#include "coordinator/run/run_lock.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/run/file_lock.h"
#include "coordinator/run/holder.h"
#include "proto/file/incarnation.h"
#include "proto/schema/message.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The lock's file takes room on the disk that is given up for status.json where nothing else is
 * left: how a launch ended is told even then. */
enum { ROOM_BYTES = 8192 };
enum { TRIES = 20 }; /* while other launches come and go */

const struct run_lock_system run_lock_system = {
    .flock = flock, .beat_seconds = 2, .stale_seconds = 20, .settle_seconds = 1};

struct run_lock {
    struct run_lock_system system;
    char *run, *path; /* of lock.json */
    char *own;        /* its text while this launch holds the run */
    int fd;           /* of RUN/lock */
    int touched;      /* of lock.json as this launch wrote it */
    char *missing;    /* why flock does not exclude here; NULL: it does */
    struct text note;
    uint64_t incarnation;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool over;      /* with the mutex */
    struct err why; /* with the mutex: who has taken the run */
    atomic_bool is_lost;
};

/* lock.json */

static int refuse(const struct run_lock *l, const char *text, struct err *err)
{
    Trireme__Holder *holder = holder_parse(text ? text : "");
    char *name = holder_name(holder);
    err_set(err, ERR_USAGE, "%s: this run is being trained by another process (%s)", l->run, name);
    free(name);
    message_free(holder);
    return -1;
}

static int refuse_there(const struct run_lock *l, struct err *err)
{
    struct holder_seen seen;
    if (holder_look(&seen, l->path, err) < 0)
        return -1;
    refuse(l, seen.text, err);
    free(seen.text);
    return -1;
}

/* Makes the file, which must not be there. Returns 1, 0 if it is there, -1 on error. */
static int make(struct run_lock *l, struct err *err)
{
    int fd = open(l->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST
                   ? 0
                   : err_set(err, ERR_USAGE, "%s: cannot write: %s", l->path, strerror(errno));
    const size_t size = strlen(l->own);
    if (write(fd, l->own, size) != (ssize_t)size || fsync(fd) < 0) {
        err_set(err, ERR_USAGE, "%s: cannot write %zu bytes: %s", l->path, size, strerror(errno));
        unlink(l->path);
        close(fd);
        return -1;
    }
    l->touched = fd;
    return 1;
}

/* Puts this launch's file in the place of another one, at once. */
static int put(struct run_lock *l, struct err *err)
{
    if (file_write_atomic(l->path, l->own, strlen(l->own), ERR_USAGE, err) < 0)
        return -1;
    if (l->touched >= 0)
        close(l->touched);
    l->touched = open(l->path, O_WRONLY | O_CLOEXEC);
    return l->touched >= 0
               ? 0
               : err_set(err, ERR_USAGE, "%s: cannot write: %s", l->path, strerror(errno));
}

/* Waits until the file is touched, which returns 1, or was not for long, which returns 0. */
static int watch(const struct run_lock *l, const struct holder_seen *seen, struct err *err)
{
    const double stale = l->system.stale_seconds;
    bool touched = false;
    int rc = 0;
    if (holder_age(l->path, seen) > stale)
        return 0;
    for (double end = clock_now() + stale; !touched && rc == 0 && clock_now() < end;) {
        struct holder_seen now;
        clock_sleep(stale / 100);
        rc = holder_look(&now, l->path, err);
        touched = rc == 0 && !holder_seen_same(seen, &now);
        free(now.text);
    }
    return rc < 0 ? -1 : touched;
}

/* Whether the one who wrote that text still holds the run: 1, 0, or -1 on error. */
static int is_holder_alive(struct run_lock *l, const struct holder_seen *seen, struct err *err)
{
    Trireme__Holder *holder = holder_parse(seen->text);
    const enum holder_life life = holder_life(holder);
    const bool by_flock = holder->lock == TRIREME__HOLDER__LOCK__flock;
    int alive = life == HOLDER_LIVES;
    // it has let flock go, which excludes here
    if (life == HOLDER_LIVES && by_flock && !l->missing)
        alive = 0;
    if (life == HOLDER_ELSEWHERE)
        alive = watch(l, seen, err);
    if (alive == 0 && (life == HOLDER_ELSEWHERE || l->missing)) {
        char *name = holder_name(holder);
        text_printf(&l->note, "%sthe launch before is dead and was relieved: %s",
                    l->note.size ? "; " : "", name);
        free(name);
    }
    message_free(holder);
    return alive;
}

/* Puts this launch in the place of one that is dead. Returns 1, 0 if somebody came first, -1 on
 * error. */
static int relieve(struct run_lock *l, const struct holder_seen *dead, struct err *err)
{
    struct holder_seen now = {0};
    if (holder_look(&now, l->path, err) < 0)
        return -1;
    int rc = holder_seen_same(dead, &now) ? 1 : 0;
    free(now.text);
    if (rc == 0 || put(l, err) < 0)
        return rc == 0 ? 0 : -1;
    if (!l->missing)
        return 1;
    clock_sleep(l->system.settle_seconds);
    if (holder_look(&now, l->path, err) < 0)
        return -1;
    rc = now.text && !strcmp(now.text, l->own) ? 1 : 0;
    free(now.text);
    return rc;
}

static int take_file(struct run_lock *l, struct err *err)
{
    for (int i = 0; i < TRIES; i++) {
        struct holder_seen seen;
        int rc = make(l, err);
        if (rc)
            return rc < 0 ? -1 : 0;
        if (holder_look(&seen, l->path, err) < 0)
            return -1;
        rc = seen.text ? is_holder_alive(l, &seen, err) : 0;
        if (rc > 0)
            refuse(l, seen.text, err);
        int relieved = rc == 0 && seen.text ? relieve(l, &seen, err) : 0;
        free(seen.text);
        if (rc || relieved < 0)
            return -1;
        if (relieved)
            return 0;
    }
    return refuse_there(l, err);
}

/* While the run is held */

static void lose(struct run_lock *l, const struct err *why)
{
    pthread_mutex_lock(&l->mutex);
    if (!atomic_load(&l->is_lost))
        l->why = *why;
    atomic_store(&l->is_lost, true);
    pthread_mutex_unlock(&l->mutex);
}

/* Looks whether the run is still this launch's. Returns 1, 0 if it is not (then *err says why), -1
 * if that cannot be found out. */
static int look_after(struct run_lock *l, struct err *err)
{
    uint64_t number = 0;
    struct holder_seen seen;
    if (incarnation_read(&number, l->run, err) < 0 || holder_look(&seen, l->path, err) < 0) {
        err->code = ERR_MACHINE;
        return -1;
    }
    int rc = 1;
    if (number != l->incarnation) {
        rc = 0;
        if (incarnation_check(l->run, l->incarnation, err) == 0)
            err_set(err, ERR_MACHINE, "%s: another launch has taken this run", l->run);
    } else if (seen.text && strcmp(seen.text, l->own)) {
        Trireme__Holder *holder = holder_parse(seen.text);
        char *name = holder_name(holder);
        rc = 0;
        err_set(err, ERR_MACHINE, "%s: another launch has taken this run (%s)", l->run, name);
        free(name);
        message_free(holder);
    }
    free(seen.text);
    return rc;
}

static void beat(struct run_lock *l)
{
    struct err err;
    const int still = look_after(l, &err);
    if (still == 0)
        lose(l, &err);
    if (still > 0 && l->touched >= 0)
        futimens(l->touched, NULL); // of the file as we wrote it, which may have lost its name
}

static void *beat_until_over(void *argument)
{
    struct run_lock *l = argument;
    pthread_mutex_lock(&l->mutex);
    while (!l->over) {
        struct timespec at;
        clock_gettime(CLOCK_MONOTONIC, &at);
        const double end = (double)at.tv_nsec / 1e9 + l->system.beat_seconds;
        at.tv_sec += (time_t)end;
        at.tv_nsec = (long)((end - (double)(time_t)end) * 1e9);
        if (pthread_cond_timedwait(&l->wake, &l->mutex, &at) == ETIMEDOUT && !l->over) {
            pthread_mutex_unlock(&l->mutex);
            beat(l);
            pthread_mutex_lock(&l->mutex);
        }
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

/* Signals are for the other threads. */
static void begin_beats(struct run_lock *l)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    l->has_thread = pthread_create(&l->thread, NULL, beat_until_over, l) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void end_beats(struct run_lock *l)
{
    if (!l->has_thread)
        return;
    pthread_mutex_lock(&l->mutex);
    l->over = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->mutex);
    pthread_join(l->thread, NULL);
    l->has_thread = false;
}

int run_lock_check(struct run_lock *l, struct err *err)
{
    if (run_lock_check_seen(l, err) < 0)
        return -1;
    const int still = look_after(l, err);
    if (still == 0)
        lose(l, err);
    return still > 0 ? 0 : -1;
}

int run_lock_check_seen(struct run_lock *l, struct err *err)
{
    if (!atomic_load(&l->is_lost))
        return 0;
    pthread_mutex_lock(&l->mutex);
    *err = l->why;
    pthread_mutex_unlock(&l->mutex);
    return -1;
}

/* Taking and releasing */

static void keep_room(int fd)
{
    static const char nothing[ROOM_BYTES];
    // where this fails, the next write says why
    if (lseek(fd, 0, SEEK_END) < ROOM_BYTES &&
        pwrite(fd, nothing, sizeof nothing, 0) != (ssize_t)sizeof nothing)
        return;
}

void run_lock_make_room(const struct run_lock *l)
{
    if (ftruncate(l->fd, 0) < 0)
        return; // the next write says that there is no room
}

static struct run_lock *new_lock(const char *run, const struct run_lock_system *system)
{
    struct run_lock *l = mem_new(1, sizeof *l);
    pthread_condattr_t attributes;
    l->system = *system;
    l->run = mem_strdup(run);
    l->path = holder_path(run);
    l->fd = l->touched = -1;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&l->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    atomic_init(&l->is_lost, false);
    return l;
}

static void free_lock(struct run_lock *l)
{
    if (l->fd >= 0)
        close(l->fd);
    if (l->touched >= 0)
        close(l->touched);
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->mutex);
    text_clear(&l->note);
    free(l->missing);
    free(l->own);
    free(l->path);
    free(l->run);
    free(l);
}

static void describe(struct run_lock *l, uint64_t incarnation)
{
    Trireme__Holder *self = holder_self(incarnation, l->missing ? TRIREME__HOLDER__LOCK__file
                                                                : TRIREME__HOLDER__LOCK__flock);
    free(l->own);
    l->own = holder_text(self);
    message_free(self);
}

/* One more than the newest launch's number, which only the holder may add to. */
static int take_number(struct run_lock *l, uint64_t expected, struct err *err)
{
    uint64_t before = 0;
    if (incarnation_read(&before, l->run, err) < 0)
        return -1;
    if (before + 1 != expected) { // somebody came and went while the file was taken
        describe(l, before + 1);
        if (put(l, err) < 0)
            return -1;
    }
    if (incarnation_write(l->run, before + 1, err) < 0)
        return -1;
    l->incarnation = before + 1;
    return 0;
}

static int take(struct run_lock *l, struct err *err)
{
    char *path = file_join(l->run, "lock");
    uint64_t before = 0;
    int rc = -1;
    l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (l->fd < 0)
        err_set(err, ERR_USAGE, "%s: cannot write: %s", path, strerror(errno));
    else
        rc = file_lock_take(&l->missing, l->system.flock, l->fd, path, err);
    free(path);
    if (rc)
        return rc < 0 ? -1 : refuse_there(l, err);
    if (l->missing)
        text_printf(&l->note,
                    "%s: %s: two launches are kept apart by lock.json there, which is touched "
                    "every %g s",
                    l->run, l->missing, l->system.beat_seconds);
    if (incarnation_read(&before, l->run, err) < 0)
        return -1;
    describe(l, before + 1);
    if (take_file(l, err) < 0)
        return -1;
    keep_room(l->fd);
    if (take_number(l, before + 1, err) == 0)
        return 0;
    unlink(l->path);
    return -1;
}

int run_lock_take(struct run_lock **lock, const char *run, const struct run_lock_system *system,
                  struct err *err)
{
    struct run_lock *l = new_lock(run, system);
    if (take(l, err) < 0) {
        free_lock(l);
        return -1;
    }
    begin_beats(l);
    *lock = l;
    return 0;
}

void run_lock_release(struct run_lock *l)
{
    struct holder_seen seen = {0};
    struct err unread;
    if (!l)
        return;
    end_beats(l);
    if (holder_look(&seen, l->path, &unread) == 0 && seen.text && !strcmp(seen.text, l->own))
        unlink(l->path);
    free(seen.text);
    free_lock(l);
}

uint64_t run_lock_incarnation(const struct run_lock *l)
{
    return l->incarnation;
}

const char *run_lock_note(const struct run_lock *l)
{
    return l && l->note.bytes ? l->note.bytes : "";
}

bool run_lock_is_held(const char *run)
{
    char *path = file_join(run, "lock"), *json = holder_path(run);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
    struct holder_seen seen = {0};
    struct err unread;
    if (!held && holder_look(&seen, json, &unread) == 0 && seen.text) {
        Trireme__Holder *holder = holder_parse(seen.text);
        const enum holder_life life = holder_life(holder);
        held = life == HOLDER_LIVES
                   ? holder->lock == TRIREME__HOLDER__LOCK__file
                   : life == HOLDER_ELSEWHERE &&
                         difftime(time(NULL), seen.touched.tv_sec) < run_lock_system.stale_seconds;
        message_free(holder);
    }
    free(seen.text);
    if (fd >= 0)
        close(fd);
    free(json);
    free(path);
    return held;
}
