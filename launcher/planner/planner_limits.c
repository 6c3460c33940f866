#include "launcher/planner/planner_limits.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { PROCESSES = 256, FILES = 256, STAT_SIZE = 1024 };

/* A kernel of this version or a newer one. */
static bool kernel_since(int major, int minor)
{
    struct utsname name;
    int a = 0, b = 0;
    if (uname(&name) < 0 || sscanf(name.release, "%d.%d", &a, &b) != 2)
        return false;
    return a > major || (a == major && b >= minor);
}

/* Threads of one process, the twentieth word of its stat; a name may hold spaces. */
static rlim_t threads_of(int proc, const char *pid)
{
    char path[sizeof(struct dirent)], text[STAT_SIZE] = "";
    snprintf(path, sizeof path, "%s/stat", pid);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, text, sizeof text - 1) < 0)
        text[0] = 0;
    if (fd >= 0)
        close(fd);
    const char *word = strrchr(text, ')');
    for (int i = 2; word && i < 20; i++)
        word = strchr(word + 1, ' ');
    return word ? strtoul(word, NULL, 10) : 0;
}

/* Processes and threads of this user: what RLIMIT_NPROC counts where it counts all of them. */
static rlim_t threads_of_user(void)
{
    rlim_t n = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc && (e = readdir(proc));) {
        struct stat status;
        if (isdigit((unsigned char)e->d_name[0]) &&
            fstatat(dirfd(proc), e->d_name, &status, 0) == 0 && status.st_uid == geteuid())
            n += threads_of(dirfd(proc), e->d_name);
    }
    if (proc)
        closedir(proc);
    return n;
}

void planner_limits_ask(struct planner_limits *limits, bool namespaces)
{
    // in a user namespace only its own are counted, since Linux 5.14
    const bool alone = namespaces && kernel_since(5, 14);
    *limits = (struct planner_limits){.processes = PROCESSES + (alone ? 0 : threads_of_user()),
                                      .of_root = geteuid() == 0,
                                      .pid_max = namespaces && kernel_since(6, 14)};
}

bool planner_limits_bound_processes(const struct planner_limits *limits)
{
    return !limits->of_root || limits->pid_max;
}

int planner_limits_set_pid_max(const struct planner_limits *limits)
{
    // the least that is allowed grows with the number of processors
    static const char *const numbers[] = {"512", "2048", "8192", "32768"};
    if (!limits->of_root || !limits->pid_max)
        return 0; // before 6.14 that file is the whole machine's
    const int fd = open("/proc/sys/kernel/pid_max", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = EINVAL;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && error == EINVAL; i++)
        error = pwrite(fd, numbers[i], strlen(numbers[i]), 0) > 0 ? 0 : errno;
    close(fd);
    return error;
}

/* Takes a limit down; one that is lower stays. */
static int lower(int resource, rlim_t most)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
        return errno;
    if (limit.rlim_max > most)
        limit.rlim_max = most;
    if (limit.rlim_cur > limit.rlim_max)
        limit.rlim_cur = limit.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &limit) < 0 ? errno : 0;
}

int planner_limits_set(const struct planner_limits *limits)
{
    const struct {
        int resource;
        rlim_t most;
    } all[] = {
        {RLIMIT_NPROC,    limits->processes},
        {RLIMIT_AS,       (rlim_t)8 << 30  }, // an interpreter reserves more than it uses
        {RLIMIT_DATA,     (rlim_t)4 << 30  },
        {RLIMIT_FSIZE,    (rlim_t)64 << 20 },
        {RLIMIT_NOFILE,   FILES            },
        {RLIMIT_CORE,     0                },
        {RLIMIT_MSGQUEUE, 0                },
        {RLIMIT_RTPRIO,   0                },
    };
    int error = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all && error == 0; i++)
        error = lower(all[i].resource, all[i].most);
    return error;
}
