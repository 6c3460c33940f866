#include "coordinator/ledger/ledger.h"

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Static_assert((int)LEDGER_HEAD_SIZE == (int)SHA256_HEX_SIZE, "a head is a SHA-256");

struct line {
    Trireme__Record *record;
    char head[LEDGER_HEAD_SIZE]; /* of this line */
};

struct ledger {
    char *run, *path;
    bool for_writing;
    int fd;      /* -1: the file is not there, or was opened for reading */
    bool failed; /* an append failed: what the file holds is not known, so nothing may follow */
    size_t size; /* of the whole lines */
    struct line *lines;
    size_t n, room;
    ledger_check_fn check; /* before an append; NULL: none */
    void *check_context;   /* borrowed */
};

/* Adds a line, with its line end. It must fit the chain. */
static int take_line(struct ledger *l, const char *bytes, size_t size, enum err_code code,
                     struct err *err)
{
    char *where = mem_format("%s:%zu", l->path, l->n + 1), head[LEDGER_HEAD_SIZE];
    Trireme__Record *record = message_new(&trireme__record__descriptor);
    int rc = json_read(record, bytes, size - 1, where, code, err);
    ledger_head(l, l->n, head);
    if (rc == 0 && record->seq != l->n + 1)
        rc = err_set(err, code,
                     "%s: seq: found %" PRIu64 ", expected %zu: lines are missing, or were added",
                     where, record->seq, l->n + 1);
    if (rc == 0 && (!record->prev || strcmp(record->prev, head)))
        rc = err_set(err, code,
                     "%s: prev: found '%s', expected %s: the line before was changed, or this one",
                     where, record->prev ? record->prev : "", head);
    free(where);
    if (rc < 0) {
        message_free(record);
        return -1;
    }
    l->lines = mem_grow(l->lines, l->n, &l->room, sizeof *l->lines);
    l->lines[l->n].record = record;
    sha256_hex(l->lines[l->n++].head, bytes, size);
    l->size += size;
    return 0;
}

/* Cuts off what a crash left of an append. */
static int open_for_writing(struct ledger *l, size_t size, struct err *err)
{
    l->fd = open(l->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (l->fd < 0)
        return err_set(err, ERR_TRAIN, "%s: cannot write: %s", l->path, strerror(errno));
    if (size != l->size && (ftruncate(l->fd, (off_t)l->size) < 0 || fsync(l->fd) < 0))
        return err_set(err, ERR_TRAIN, "%s: cannot cut off its unfinished line: %s", l->path,
                       strerror(errno));
    return 0;
}

struct ledger *ledger_open(const char *run, bool for_writing, struct err *err)
{
    struct ledger *l = mem_new(1, sizeof *l);
    l->run = mem_strdup(run);
    l->path = file_join(run, "ledger.jsonl");
    l->for_writing = for_writing;
    l->fd = -1;
    if (!file_exists(l->path))
        return l;
    size_t size = 0;
    char *bytes = file_read(l->path, &size, ERR_DATA, err);
    int rc = bytes ? 0 : -1;
    for (const char *end; rc == 0 && (end = memchr(bytes + l->size, '\n', size - l->size));)
        rc = take_line(l, bytes + l->size, (size_t)(end + 1 - bytes) - l->size, ERR_DATA, err);
    free(bytes);
    if (rc == 0 && for_writing)
        rc = open_for_writing(l, size, err);
    if (rc == 0)
        return l;
    ledger_free(l);
    return NULL;
}

void ledger_free(struct ledger *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n; i++)
        message_free(l->lines[i].record);
    free(l->lines);
    if (l->fd >= 0)
        close(l->fd);
    free(l->path);
    free(l->run);
    free(l);
}

size_t ledger_records(const struct ledger *l)
{
    return l->n;
}

const Trireme__Record *ledger_record(const struct ledger *l, size_t i)
{
    ASSERT(i < l->n);
    return l->lines[i].record;
}

void ledger_head(const struct ledger *l, size_t n, char head[LEDGER_HEAD_SIZE])
{
    ASSERT(n <= l->n);
    memset(head, '0', LEDGER_HEAD_SIZE - 1);
    head[LEDGER_HEAD_SIZE - 1] = 0;
    if (n)
        memcpy(head, l->lines[n - 1].head, LEDGER_HEAD_SIZE);
}

bool *ledger_superseded(const struct ledger *l, size_t n)
{
    bool *superseded = mem_new(n, sizeof *superseded);
    for (size_t i = 0; i < n; i++) {
        const uint64_t from = ledger_record(l, i)->supersedes;
        for (size_t k = i; from && k-- > 0 && ledger_record(l, k)->seq >= from;)
            superseded[k] = true;
    }
    return superseded;
}

int ledger_check_head(const struct ledger *l, uint64_t known, const char *head, struct err *err)
{
    char found[LEDGER_HEAD_SIZE];
    if (known > l->n)
        return err_set(err, ERR_DATA,
                       "%s: found %zu records, expected at least the %" PRIu64
                       " that the checkpoint knows of",
                       l->path, l->n, known);
    ledger_head(l, (size_t)known, found);
    if (head && strcmp(found, head))
        return err_set(err, ERR_DATA,
                       "%s:%" PRIu64 ": found SHA-256 %s, expected %s as in the checkpoint",
                       l->path, known, found, head);
    return 0;
}

/* The record as a line of the file; fresh text. */
static char *write_line(const struct ledger *l, const Trireme__Record *record)
{
    char head[LEDGER_HEAD_SIZE], when[sizeof "2000-01-01T00:00:00Z"];
    time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    ledger_head(l, l->n, head);
    Trireme__Record line = *record;
    line.has_seq = line.has_kind = true;
    line.seq = l->n + 1;
    line.prev = head;
    line.time = when;
    char *json = json_write(&line), *text = mem_format("%s\n", json);
    free(json);
    return text;
}

static int create(struct ledger *l, struct err *err)
{
    l->fd = open(l->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    if (l->fd < 0)
        return err_set(err, ERR_TRAIN, "%s: cannot write: %s", l->path, strerror(errno));
    return file_sync_dir(l->run, ERR_TRAIN, err);
}

static int write_synced(const struct ledger *l, size_t before, const char *line, size_t size,
                        struct err *err)
{
    struct stat st = {0};
    if (fstat(l->fd, &st) < 0 || (size_t)st.st_size != before)
        return err_set(err, ERR_TRAIN,
                       "%s: found %lld bytes, expected %zu: somebody else wrote to it", l->path,
                       (long long)st.st_size, before);
    ssize_t n = write(l->fd, line, size);
    if (n < 0 || (size_t)n != size)
        return err_set(err, ERR_TRAIN, "%s: cannot append a record of %zu bytes: %s", l->path, size,
                       strerror(n < 0 ? errno : ENOSPC));
    if (fdatasync(l->fd) < 0)
        return err_set(err, ERR_TRAIN, "%s: cannot sync: %s", l->path, strerror(errno));
    return 0;
}

/* Removes the newest record, which did not reach the disk. What of it did is cut off, now or when
 * the file is opened next. */
static void take_back(struct ledger *l, size_t before)
{
    l->failed = true;
    l->size = before;
    message_free(l->lines[--l->n].record);
    if (l->fd >= 0 && ftruncate(l->fd, (off_t)before) == 0)
        fsync(l->fd);
}

void ledger_ask_before(struct ledger *l, ledger_check_fn check, void *context)
{
    l->check = check;
    l->check_context = context;
}

int ledger_append(struct ledger *l, const Trireme__Record *record, struct err *err)
{
    ASSERT(l->for_writing);
    if (l->failed)
        return err_set(err, ERR_TRAIN,
                       "%s: a record before could not be written, so none may follow", l->path);
    if (l->check && l->check(l->check_context, err) < 0)
        return -1;
    size_t before = l->size;
    char *line = write_line(l, record);
    // Parsed as it will be read: what could not be read again is not written.
    int rc = take_line(l, line, strlen(line), ERR_TRAIN, err);
    if (rc == 0 && ((l->fd < 0 && create(l, err) < 0) ||
                    write_synced(l, before, line, strlen(line), err) < 0)) {
        take_back(l, before);
        rc = -1;
    }
    free(line);
    return rc;
}
