#include "coordinator/run/holder.h"

#include "base/file.h"
#include "base/file_sure.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char *holder_path(const char *run)
{
    return file_join(run, "lock.json");
}

/* Reads the beginning of a small file of /proc; "" where it cannot. */
static void read_line(char *line, size_t size, const char *path)
{
    FILE *f = fopen(path, "re");
    line[0] = 0;
    if (!f)
        return;
    if (fgets(line, (int)size, f))
        line[strcspn(line, "\n")] = 0;
    fclose(f);
}

/* This start of this machine, and the space of its process numbers: containers have their own. */
static char *machine(void)
{
    char boot[64], space[64] = "";
    read_line(boot, sizeof boot, "/proc/sys/kernel/random/boot_id");
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[n > 0 ? n : 0] = 0;
    return boot[0] ? mem_format("%s %s", boot, space) : NULL;
}

Trireme__Holder *holder_self(uint64_t incarnation, Trireme__Holder__Lock lock)
{
    Trireme__Holder *h = message_new(&trireme__holder__descriptor);
    char host[256] = "", when[sizeof "2000-01-01T00:00:00Z"];
    uint64_t key[2] = {0};
    struct process self;
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
        key[0] = (uint64_t)now.tv_sec << 32 | (uint64_t)now.tv_nsec, key[1] = (uint64_t)getpid();
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now.tv_sec, &utc));
    gethostname(host, sizeof host - 1);
    h->host = mem_strdup(host);
    h->has_pid = 1, h->pid = (uint64_t)getpid();
    process_look(&self, getpid());
    h->has_began = 1, h->began = self.began;
    h->machine = machine();
    h->has_incarnation = 1, h->incarnation = incarnation;
    h->since = mem_strdup(when);
    h->has_lock = 1, h->lock = lock;
    h->key = mem_format("%016" PRIx64 "%016" PRIx64, key[0], key[1]);
    return h;
}

char *holder_text(const Trireme__Holder *holder)
{
    char *json = json_write(holder), *text = mem_format("%s\n", json);
    free(json);
    return text;
}

Trireme__Holder *holder_parse(const char *text)
{
    struct err unread;
    Trireme__Holder *h = message_new(&trireme__holder__descriptor);
    if (json_read(h, text, strlen(text), "lock.json", ERR_DATA, &unread) == 0)
        return h;
    message_free(h);
    return message_new(&trireme__holder__descriptor);
}

enum holder_life holder_life(const Trireme__Holder *h)
{
    char *here = machine();
    const bool same = here && h->machine && !strcmp(here, h->machine) && h->pid;
    free(here);
    if (!same)
        return HOLDER_ELSEWHERE;
    struct process process;
    if (kill((pid_t)h->pid, 0) < 0 && errno == ESRCH)
        return HOLDER_IS_DEAD;
    if (!process_look(&process, (pid_t)h->pid))
        return HOLDER_LIVES; // the system does not tell
    // the number may have been given anew
    return process.ended || (h->began && process.began != h->began) ? HOLDER_IS_DEAD : HOLDER_LIVES;
}

char *holder_name(const Trireme__Holder *h)
{
    if (!h->host || !h->pid)
        return mem_strdup("RUN/lock.json does not say which");
    struct text name = {0};
    text_printf(&name, "process %" PRIu64 " on %s", h->pid, h->host);
    if (h->incarnation)
        text_printf(&name, ", launch %" PRIu64, h->incarnation);
    if (h->since)
        text_printf(&name, ", since %s", h->since);
    return text_take(&name);
}

int holder_look(struct holder_seen *seen, const char *path, struct err *err)
{
    bool there = false;
    struct stat st;
    *seen = (struct holder_seen){0};
    if (file_sure_there(&there, path, err) < 0)
        return -1;
    if (there && !(seen->text = file_sure_read(path, NULL, err)))
        return err->code == ERR_DATA ? 0 : -1; // it is gone again
    if (there && stat(path, &st) == 0)
        seen->touched = st.st_mtim;
    return 0;
}

bool holder_seen_same(const struct holder_seen *a, const struct holder_seen *b)
{
    return a->text && b->text && !strcmp(a->text, b->text) &&
           a->touched.tv_sec == b->touched.tv_sec && a->touched.tv_nsec == b->touched.tv_nsec;
}

double holder_age(const char *path, const struct holder_seen *seen)
{
    char *fresh = mem_format("%s.now-%ld", path, (long)getpid());
    struct stat st = {0};
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool known = fd >= 0 && write(fd, "\n", 1) == 1 && fsync(fd) == 0 && fstat(fd, &st) == 0;
    if (fd >= 0)
        close(fd);
    unlink(fresh);
    free(fresh);
    return known ? difftime(st.st_mtim.tv_sec, seen->touched.tv_sec) : 0;
}
