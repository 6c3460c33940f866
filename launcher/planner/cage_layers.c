/* cage_ask, and the layers in words. */
#include "launcher/planner/cage.h"

#include "base/text.h"
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
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

/* What a child tells of its try. */
struct tried {
    int namespaces, processes, root; /* errno of each */
    bool proc;
};

/* In a child made with NAMESPACES_AT_CLONE. */
static _Noreturn void try_layers(int report, uid_t user, gid_t group,
                                 const struct planner_limits *limits)
{
    static const char *const places[] = {"/dev/null", "/usr"};
    struct tried t = {.root = EPERM};
    t.namespaces = namespaces_enter(user, group, false);
    t.processes = t.namespaces ? t.namespaces : planner_limits_set_pid_max(limits);
    if (t.namespaces == 0)
        t.root = own_root_enter(&t.proc, places, sizeof places / sizeof *places);
    if (t.root && t.namespaces == 0)
        t.proc = own_root_mount_proc("/proc") == 0;
    _exit(write(report, &t, sizeof t) == (ssize_t)sizeof t ? 0 : CAGE_EXIT_FAILED);
}

/* Waits for the child, which nothing holds up, and ends it where something does. */
static bool hear(struct tried *t, int report, pid_t child)
{
    struct pollfd file = {.fd = report, .events = POLLIN};
    int ready;
    while ((ready = poll(&file, 1, PATIENCE_MS)) < 0 && errno == EINTR)
        ;
    const bool heard = ready > 0 && read(report, t, sizeof *t) == (ssize_t)sizeof *t;
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return heard;
}

static int try_in_child(struct tried *t, const struct planner_limits *limits)
{
    int ends[2];
    const uid_t user = geteuid();
    const gid_t group = getegid();
    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno;
    const pid_t child = (pid_t)syscall(SYS_clone, NAMESPACES_AT_CLONE | SIGCHLD, 0, 0, 0, 0);
    if (child == 0)
        try_layers(ends[1], user, group, limits);
    int error = child < 0 ? errno : 0;
    close(ends[1]);
    if (child > 0 && !hear(t, ends[0], child))
        error = EIO;
    close(ends[0]);
    return error;
}

void cage_ask(struct cage_layers *layers)
{
    struct planner_limits limits, outside;
    struct tried t = {0};
    planner_limits_ask(&limits, true);
    planner_limits_ask(&outside, false);
    *layers = (struct cage_layers){.landlock = landlock_abi(), .calls = call_filter_works()};
    layers->why = try_in_child(&t, &limits);
    if (layers->why == 0)
        layers->why = t.namespaces;
    layers->namespaces = layers->why == 0;
    layers->processes = layers->namespaces
                            ? t.processes == 0 && planner_limits_bound_processes(&limits)
                            : planner_limits_bound_processes(&outside);
    layers->root = layers->namespaces && t.root == 0;
    layers->proc = layers->namespaces && t.proc;
    if (layers->namespaces && !layers->root)
        layers->why = t.root;
}

struct part {
    const char *name;
    bool there;
    int why;      /* errno of it, where it is missing */
    bool implied; /* by another that is missing */
};

static void list(char *text, size_t size, const struct cage_layers *l, bool there)
{
    const struct part parts[] = {
        {"Landlock",             l->landlock > 0, 0,      false         },
        {"seccomp",              l->calls,        0,      false         },
        {"namespaces",           l->namespaces,   l->why, false         },
        {"a root of its own",    l->root,         l->why, !l->namespaces},
        {"a /proc of its own",   l->proc,         0,      !l->namespaces},
        {"a bound on processes", l->processes,    0,      false         },
    };
    struct text words = {0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].there != there || (!there && parts[i].implied))
            continue;
        text_printf(&words, "%s%s", words.size ? ", " : "", parts[i].name);
        if (there && i == 0)
            text_printf(&words, " %u", l->landlock);
        if (!there && parts[i].why)
            text_printf(&words, " (%s)", strerror(parts[i].why));
    }
    snprintf(text, size, "%s", words.bytes ? words.bytes : "");
    text_clear(&words);
}

void cage_missing(char *text, size_t size, const struct cage_layers *layers)
{
    list(text, size, layers, false);
}

void cage_offered(char *text, size_t size, const struct cage_layers *layers)
{
    list(text, size, layers, true);
}
