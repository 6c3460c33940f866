#include "coordinator/run/metrics.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/run/run.h"
#include "proto/schema/write.h"

#include "files.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct metrics {
    char *path;
    const struct run *run; /* borrowed; NULL: not said */
    int fd;
    bool failed; /* a line is there in part: nothing may follow it */
};

/* The number behind "step": in a line that this program wrote; lines without one belong to step 0.
 */
static uint64_t step_of(const char *line, size_t size)
{
    static const char key[] = "\"step\":";
    const char *at = memmem(line, size, key, sizeof key - 1);
    return at ? strtoull(at + sizeof key - 1, NULL, 10) : 0;
}

/* The word behind "trial":" in such a line; "trunk" in one without. */
static void trial_of(char *trial, size_t room, const char *line, size_t size)
{
    static const char key[] = "\"trial\":\"";
    const char *at = memmem(line, size, key, sizeof key - 1);
    const char *word = at ? at + sizeof key - 1 : "trunk\"";
    snprintf(trial, room, "%.*s", (int)strcspn(word, "\"\n"), word);
}

struct cut {
    uint64_t step;
    metrics_keep_fn keep;
    const void *context;
};

static bool is_kept(const struct cut *cut, const char *line, size_t size)
{
    char trial[64];
    trial_of(trial, sizeof trial, line, size);
    if (strcmp(trial, "trunk"))
        return !cut->keep || cut->keep(cut->context, trial, step_of(line, size));
    return step_of(line, size) <= cut->step;
}

/* Writes the file anew without the lines that are not kept. */
static int cut_back(const char *path, const struct cut *cut, struct err *err)
{
    if (!file_exists(path))
        return 0;
    size_t size = 0;
    char *bytes = file_read(path, &size, ERR_USAGE, err);
    if (!bytes)
        return -1;
    struct text kept = {0};
    for (size_t at = 0; at < size;) {
        const char *end = memchr(bytes + at, '\n', size - at);
        if (!end)
            break; // a crash left it unfinished
        size_t length = (size_t)(end + 1 - (bytes + at));
        if (is_kept(cut, bytes + at, length))
            text_add_bytes(&kept, bytes + at, length);
        at += length;
    }
    // Also where nothing is cut off: an older launch may have the file open.
    int rc = file_write_atomic(path, kept.bytes ? kept.bytes : "", kept.size, ERR_USAGE, err);
    if (kept.size == size)
        rc = 0; // there is no room for a second one
    text_clear(&kept);
    free(bytes);
    return rc;
}

struct metrics *metrics_open(const char *run, uint64_t step, metrics_keep_fn keep,
                             const void *context, struct err *err)
{
    struct metrics *m = mem_new(1, sizeof *m);
    m->path = file_join(run, "metrics.jsonl");
    m->fd = -1;
    if (metrics_cut(m, step, keep, context, err) == 0)
        return m;
    metrics_free(m);
    return NULL;
}

int metrics_cut(struct metrics *m, uint64_t step, metrics_keep_fn keep, const void *context,
                struct err *err)
{
    const struct cut cut = {step, keep, context};
    if (m->run && run_check(m->run, err) < 0)
        return -1;
    if (cut_back(m->path, &cut, err) < 0)
        return -1;
    int fd = open(m->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set(err, ERR_USAGE, "%s: cannot write: %s", m->path, strerror(errno));
    if (m->fd >= 0) // of the file before, which has no name any more
        close(m->fd);
    m->fd = fd;
    return 0;
}

void metrics_belongs(struct metrics *m, const struct run *run)
{
    m->run = run;
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    if (m->fd >= 0)
        close(m->fd);
    free(m->path);
    free(m);
}

int metrics_write(struct metrics *m, const void *line, struct err *err)
{
    if (m->failed)
        return err_set(err, ERR_TRAIN, "%s: a line before could not be written, so none may follow",
                       m->path);
    if (m->run && run_check_seen(m->run, err) < 0)
        return -1;
    struct text text = {0};
    char *json = json_write(line);
    text_add(&text, json);
    text_add(&text, "\n");
    ssize_t n = write(m->fd, text.bytes, text.size);
    int rc = 0;
    if (n < 0 || (size_t)n != text.size) {
        m->failed = true;
        rc = err_set(err, ERR_TRAIN, "%s: cannot append a line of %zu bytes: %s", m->path,
                     text.size, strerror(n < 0 ? errno : ENOSPC));
    }
    text_clear(&text);
    free(json);
    return rc;
}

static Trireme__EventLine event_line(uint64_t step, const char *what)
{
    Trireme__EventLine line = TRIREME__EVENT_LINE__INIT;
    line.has_step = 1, line.step = step;
    line.what = (char *)what;
    return line;
}

int metrics_event(struct metrics *m, uint64_t step, const char *what, struct err *err)
{
    const Trireme__EventLine line = event_line(step, what);
    return metrics_write(m, &line, err);
}

bool metrics_has_event(const struct metrics *m, uint64_t step, const char *what)
{
    const Trireme__EventLine line = event_line(step, what);
    struct err unread;
    size_t size = 0;
    char *json = json_write(&line), *bytes = file_read(m->path, &size, ERR_USAGE, &unread);
    bool has = bytes && memmem(bytes, size, json, strlen(json));
    free(bytes);
    free(json);
    return has;
}

bool metrics_has_eval(const struct metrics *m, uint64_t step)
{
    static const char begin[] = "{\"kind\":\"eval\"";
    struct err unread;
    size_t size = 0;
    char *bytes = file_read(m->path, &size, ERR_USAGE, &unread), trial[64];
    bool has = false;
    for (const char *at = bytes, *end; at && !has && at < bytes + size; at = end + 1) {
        const size_t left = size - (size_t)(at - bytes);
        if (!(end = memchr(at, '\n', left)))
            break;
        const size_t length = (size_t)(end - at);
        trial_of(trial, sizeof trial, at, length);
        has = length > sizeof begin && !memcmp(at, begin, sizeof begin - 1) &&
              step_of(at, length) == step && !strcmp(trial, "trunk");
    }
    free(bytes);
    return has;
}

int metrics_sync(struct metrics *m, struct err *err)
{
    if (m->run && run_check(m->run, err) < 0)
        return -1;
    if (fdatasync(m->fd) < 0)
        return err_set(err, ERR_TRAIN, "%s: cannot sync: %s", m->path, strerror(errno));
    return 0;
}
