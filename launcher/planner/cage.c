#include "launcher/planner/cage.h"

#include "base/check.h"
#include "base/mem.h"
#include "launcher/planner/call_filter.h"
#include "launcher/planner/landlock.h"
#include "launcher/planner/namespaces.h"
#include "launcher/planner/own_root.h"
#include "launcher/planner/planner_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                      "/dev/urandom"};
enum {
    N_DEVICES = sizeof devices / sizeof *devices,
    /* beside what is readable: devices, the folder to work in, /proc */
    EXTRA = N_DEVICES + 2,
    PLACES_MAX = OWN_ROOT_PLACES_MAX
};

struct cage {
    struct cage_layers layers;
    struct planner_limits limits;
    uid_t user;
    gid_t group;
    char *readable[PLACES_MAX]; /* owned */
    size_t n;
    char *work;   /* owned */
    bool network; /* it may connect to others */
    struct call_filter_holes holes;
    struct call_filter *filter; /* owned; NULL: none */
    char *said;       /* this process's command line and environment, as the kernel shows */
    size_t said_size; /* them to others: borrowed from the stack; 0: not known */
};

/* Their addresses are words 48 to 51 of stat, counted from 1; a name may hold spaces. */
static void find_said(struct cage *cage)
{
    enum { NAME = 2, ARGUMENTS = 48, ENVIRONMENT_END = 51, STAT_SIZE = 4096 };
    char text[STAT_SIZE] = "";
    FILE *f = fopen("/proc/self/stat", "re");
    if (f && !fgets(text, sizeof text, f))
        text[0] = 0;
    if (f)
        fclose(f);
    const char *word = strrchr(text, ')');
    for (int i = NAME; word && i < ENVIRONMENT_END; i++) {
        word = strchr(word + 1, ' ');
        if (word && i + 1 == ARGUMENTS)
            cage->said = (char *)strtoull(word, NULL, 10);
    }
    char *end = word ? (char *)strtoull(word, NULL, 10) : NULL;
    cage->said_size = cage->said && end > cage->said ? (size_t)(end - cage->said) : 0;
}

bool cage_hides_files(const struct cage_layers *layers)
{
    return layers->landlock > 0 || layers->root;
}

struct cage *cage_new(const struct cage_layers *layers, char *const *readable, size_t n,
                      const char *work)
{
    struct cage *cage = mem_new(1, sizeof *cage);
    ASSERT(n <= PLACES_MAX - EXTRA);
    cage->layers = *layers;
    cage->user = geteuid(), cage->group = getegid();
    for (; cage->n < n; cage->n++)
        cage->readable[cage->n] = mem_strdup(readable[cage->n]);
    cage->work = mem_strdup(layers->root ? OWN_ROOT_WORK : work);
    planner_limits_ask(&cage->limits, layers->namespaces);
    cage->holes = (struct call_filter_holes){
        .files = !layers->root,
        .processes = !layers->namespaces,
        .signals = !layers->namespaces && layers->landlock < LANDLOCK_ABI_SIGNALS,
    };
    find_said(cage);
    cage->filter = layers->calls ? call_filter_new(&cage->holes) : NULL;
    return cage;
}

void cage_open_network(struct cage *cage)
{
    cage->network = cage->holes.network = true;
    free(cage->filter);
    cage->filter = cage->layers.calls ? call_filter_new(&cage->holes) : NULL;
}

void cage_free(struct cage *cage)
{
    for (size_t i = 0; cage && i < cage->n; i++)
        free(cage->readable[i]);
    if (cage) {
        free(cage->work);
        free(cage->filter);
    }
    free(cage);
}

const char *cage_inside(const struct cage *cage)
{
    return cage->work;
}

const char *cage_outside(const struct cage *cage)
{
    return cage->layers.root ? NULL : cage->work;
}

static pid_t raw_fork(unsigned long flags)
{
    return (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

pid_t cage_fork(const struct cage *cage)
{
    return raw_fork(cage->layers.namespaces ? NAMESPACES_AT_CLONE : 0);
}

static void tell(int report, enum cage_news news, const char *step, int error, int status)
{
    struct cage_report r = {.news = news, .error = error, .status = status};
    for (size_t i = 0; step[i] && i + 1 < sizeof r.step; i++)
        r.step[i] = step[i];
    if (write(report, &r, sizeof r) != (ssize_t)sizeof r)
        _exit(CAGE_EXIT_FAILED);
}

/* Ends the child unless the step succeeded. */
static void must(int report, const char *step, int error)
{
    if (error == 0)
        return;
    tell(report, CAGE_FAILED, step, error, 0);
    _exit(CAGE_EXIT_FAILED);
}

/* Whoever started it may be gone already: then nobody reads the report. */
static void die_with_parent(int report)
{
    struct pollfd reader = {.fd = report};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (poll(&reader, 1, 0) < 0 || (reader.revents & POLLERR))
        _exit(CAGE_EXIT_FAILED);
}

/* Where memory ends, it is the planner that the kernel takes it from. */
static void be_first_without_memory(void)
{
    const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, "1000", 4) < 0)
        errno = 0; // that much is not promised
    close(fd);
}

enum { REPORT = STDERR_FILENO + 1, FILES_MAX = 1 << 16 };

/* Of the job's files, such as MPI's sockets, none may stay open: but for the first three there is
 * the report, until the program is executed. */
static void close_others(int report)
{
    struct rlimit files = {.rlim_cur = FILES_MAX};
    if (report != REPORT && dup2(report, REPORT) < 0)
        _exit(CAGE_EXIT_FAILED);
    fcntl(REPORT, F_SETFD, FD_CLOEXEC);
#ifdef SYS_close_range
    if (syscall(SYS_close_range, REPORT + 1, ~0u, 0) == 0)
        return;
#endif
    getrlimit(RLIMIT_NOFILE, &files);
    for (int fd = REPORT + 1; (rlim_t)fd < files.rlim_cur && fd < FILES_MAX; fd++)
        close(fd);
}

/* Enters namespaces and root. */
static void move_in(const struct cage *cage, int report)
{
    const char *places[PLACES_MAX];
    size_t n = 0;
    bool proc = false;
    must(report, "its own namespaces", namespaces_enter(cage->user, cage->group, cage->network));
    if (cage->layers.processes)
        must(report, "the number of its processes", planner_limits_set_pid_max(&cage->limits));
    for (size_t i = 0; i < N_DEVICES; i++)
        places[n++] = devices[i];
    for (size_t i = 0; i < cage->n; i++)
        places[n++] = cage->readable[i];
    if (cage->layers.root)
        must(report, "its own root", own_root_enter(&proc, places, n));
    else if (cage->layers.proc)
        must(report, "its own /proc", own_root_mount_proc("/proc"));
}

static int restrict_files(const struct cage *cage)
{
    struct landlock_place places[PLACES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < N_DEVICES; i++)
        places[n++] = (struct landlock_place){devices[i], LANDLOCK_DEVICE};
    for (size_t i = 0; i < cage->n; i++)
        places[n++] = (struct landlock_place){cage->readable[i], LANDLOCK_READ};
    places[n++] = (struct landlock_place){cage->work, LANDLOCK_WORK};
    if (cage->layers.proc)
        places[n++] = (struct landlock_place){"/proc", LANDLOCK_READ};
    else if (!cage->layers.namespaces)
        places[n++] = (struct landlock_place){"/proc/self", LANDLOCK_READ};
    return landlock_restrict(cage->layers.landlock, places, n, cage->network);
}

/* What comes after the namespaces, and the program. */
static _Noreturn void become_program(const struct cage *cage, int report, const char *path,
                                     char *const *words, char *const *variables)
{
    must(report, "the folder that it works in", chdir(cage->work) < 0 ? errno : 0);
    if (cage->layers.landlock)
        must(report, "Landlock", restrict_files(cage));
    must(report, "its limits", planner_limits_set(&cage->limits));
    must(report, "its capabilities", namespaces_drop_capabilities());
    if (cage->filter)
        must(report, "seccomp", call_filter_install(cage->filter));
    execve(path, words, variables);
    must(report, "its execution", errno);
    _exit(CAGE_EXIT_FAILED);
}

/* The first process of a pid namespace, with whose end the kernel ends all others in it. It has the
 * memory of whoever started it: nothing that comes after may look into that, and the kernel sees to
 * it where a process is not dumpable. */
static _Noreturn void be_init(int report, pid_t program)
{
    int status = 0;
    pid_t ended;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        close(fd);
    namespaces_drop_capabilities();
    while ((ended = waitpid(-1, &status, 0)) != program)
        if (ended < 0 && errno != EINTR)
            _exit(CAGE_EXIT_FAILED);
    tell(report, CAGE_ENDED, "", 0, status);
    _exit(0);
}

_Noreturn void cage_exec(const struct cage *cage, int report, const char *path, char *const *words,
                         char *const *variables)
{
    close_others(report);
    report = REPORT;
    die_with_parent(report);
    // who looks for this process by what it was started as must not find the child
    if (cage->said_size)
        memset(cage->said, 0, cage->said_size);
    be_first_without_memory();
    must(report, "no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? errno : 0);
    if (!cage->layers.namespaces)
        become_program(cage, report, path, words, variables);
    move_in(cage, report);
    must(report, "a memory that none looks into", prctl(PR_SET_DUMPABLE, 0) < 0 ? errno : 0);
    const pid_t program = raw_fork(0);
    if (program == 0)
        become_program(cage, report, path, words, variables);
    must(report, "fork", program < 0 ? errno : 0);
    be_init(report, program);
}
