#include "launcher/job/children.h"

#include "base/file.h"
#include "base/mem.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIDS_SIZE = 1 << 16, STAT_SIZE = 512 };

/* Reads a file of /proc, which says that its size is 0; false where it cannot be read. */
static bool read_text(char *text, size_t size, const char *path)
{
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, size - 1, f) : 0;
    text[n] = 0;
    if (f)
        fclose(f);
    return f != NULL;
}

static bool has_ended(const char *pid)
{
    char *path = mem_format("/proc/%s/stat", pid), text[STAT_SIZE];
    bool there = read_text(text, sizeof text, path);
    const char *name_end = strrchr(text, ')'); // a name may hold anything; the state follows it
    free(path);
    return !there || !name_end || !strncmp(name_end, ") Z", 3);
}

static bool any_lives(char *pids)
{
    for (char *rest = NULL, *pid = strtok_r(pids, " ", &rest); pid;
         pid = strtok_r(NULL, " ", &rest))
        if (!has_ended(pid))
            return true;
    return false;
}

bool children_live(pid_t pid)
{
    char *folder = mem_format("/proc/%d/task", (int)pid), *pids = mem_new(PIDS_SIZE, 1);
    size_t n = 0;
    struct err unread;
    // any thread may have started some
    char **threads = file_names(folder, &n, ERR_MACHINE, &unread);
    bool live = !threads;
    for (size_t i = 0; i < n && !live; i++) {
        char *path = mem_format("%s/%s/children", folder, threads[i]);
        live = read_text(pids, PIDS_SIZE, path) ? any_lives(pids) : file_exists(folder);
        free(path);
    }
    file_names_free(threads);
    free(pids);
    free(folder);
    return live;
}

void children_kill(pid_t pid)
{
    char *path = mem_format("/proc/%d/task/%d/children", (int)pid, (int)pid),
         *pids = mem_new(PIDS_SIZE, 1);
    if (read_text(pids, PIDS_SIZE, path))
        for (char *rest = NULL, *child = strtok_r(pids, " ", &rest); child;
             child = strtok_r(NULL, " ", &rest))
            kill((pid_t)atoi(child), SIGKILL);
    free(pids);
    free(path);
}
