#include "launcher/machine/children.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PIDS_SIZE = 1 << 16 };

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

/* Whether the process runs this program, which no two processes have to have by the same name. */
static bool runs_this(const char *pid)
{
    char *path = mem_format("/proc/%s/exe", pid);
    struct stat its, ours;
    bool same = stat(path, &its) == 0 && stat("/proc/self/exe", &ours) == 0 &&
                its.st_dev == ours.st_dev && its.st_ino == ours.st_ino;
    free(path);
    return same;
}

/* What is asked of a child, by its number; true ends the round. */
typedef bool (*child_fn)(const char *pid);

static bool is_alive(const char *pid)
{
    struct process process;
    process_look(&process, (pid_t)atoi(pid));
    return !process.ended;
}

static bool kill_it(const char *pid)
{
    kill((pid_t)atoi(pid), SIGKILL);
    return false;
}

static bool any_of(char *pids, child_fn ask)
{
    for (char *rest = NULL, *pid = strtok_r(pids, " ", &rest); pid;
         pid = strtok_r(NULL, " ", &rest))
        if (ask(pid))
            return true;
    return false;
}

/* Whether a child answers yes; `untold` where the system does not tell. */
static bool any_child(pid_t pid, child_fn ask, bool untold)
{
    char *folder = mem_format("/proc/%d/task", (int)pid), *pids = mem_new(PIDS_SIZE, 1);
    size_t n = 0;
    struct err unread;
    // any thread may have started some
    char **threads = file_names(folder, &n, ERR_MACHINE, &unread);
    bool yes = !threads && untold;
    for (size_t i = 0; i < n && !yes; i++) {
        char *path = mem_format("%s/%s/children", folder, threads[i]);
        yes = read_text(pids, PIDS_SIZE, path) ? any_of(pids, ask) : untold && file_exists(folder);
        free(path);
    }
    file_names_free(threads);
    free(pids);
    free(folder);
    return yes;
}

bool children_live(pid_t pid)
{
    return any_child(pid, is_alive, true);
}

bool children_run_this(pid_t pid)
{
    return any_child(pid, runs_this, false);
}

void children_kill(pid_t pid)
{
    any_child(pid, kill_it, false);
}
