#include "launcher/machine/processes.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void add_open(struct text *files, pid_t pid)
{
    char *folder = mem_format("/proc/%d/fd", (int)pid);
    struct err err;
    size_t n = 0;
    char **names = file_names(folder, &n, ERR_MACHINE, &err);
    for (size_t i = 0; names && i < n; i++) {
        char *link = file_join(folder, names[i]), path[PATH_MAX];
        ssize_t length = readlink(link, path, sizeof path);
        if (length > 0)
            text_printf(files, "%.*s\n", (int)length, path);
        free(link);
    }
    file_names_free(names);
    free(folder);
}

static void add_mapped(struct text *files, pid_t pid)
{
    char *path = mem_format("/proc/%d/maps", (int)pid), *line = NULL;
    size_t room = 0;
    FILE *f = fopen(path, "re");
    while (f && getline(&line, &room, f) > 0) {
        const char *name = strchr(line, '/');
        if (name)
            text_add(files, name); // with its line end
    }
    if (f)
        fclose(f);
    free(line);
    free(path);
}

void processes_files_of(struct text *files, pid_t pid)
{
    // in this order: a file that is mapped and then closed in between is seen
    add_open(files, pid);
    add_mapped(files, pid);
}

static void each(void (*call)(void *context, pid_t pid), void *context)
{
    struct err err;
    size_t n = 0;
    char **names = file_names("/proc", &n, ERR_MACHINE, &err);
    for (size_t i = 0; names && i < n; i++) {
        char *end = NULL;
        const long pid = strtol(names[i], &end, 10);
        if (pid > 0 && !*end)
            call(context, (pid_t)pid);
    }
    file_names_free(names);
}

static void add_files(void *files, pid_t pid)
{
    struct stat st;
    char *folder = mem_format("/proc/%d", (int)pid);
    const bool mine = stat(folder, &st) == 0 && st.st_uid == geteuid();
    free(folder);
    if (mine)
        processes_files_of(files, pid);
}

void processes_files(struct text *files)
{
    each(add_files, files);
}

struct of_session {
    pid_t session;
    int signal, n;
};

static void count(void *context, pid_t pid)
{
    struct of_session *of = context;
    struct process process;
    process_look(&process, pid);
    if (process.ended || process.session != of->session)
        return;
    of->n++;
    if (of->signal)
        kill(pid, of->signal);
}

int processes_of_session(pid_t session, int signal)
{
    struct of_session of = {.session = session, .signal = signal};
    each(count, &of);
    return of.n;
}
