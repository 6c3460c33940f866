#include "launcher/mcp/calls.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NICENESS = 5 /* training goes first */ };

struct slot {
    struct mcp_call *call; /* NULL: free */
    void *owner;
    pid_t child;
    int fd;               /* the reading end */
    struct text text;     /* of the reply, so far */
    double end;           /* when its time is over */
    bool ended, too_long; /* the reply is */
};

struct calls {
    const struct mcp_server *server; /* borrowed */
    double seconds;
    size_t reply_bytes;
    struct slot slots[CALLS_MAX];
};

struct calls *calls_new(const struct mcp_server *server, double seconds, size_t reply_bytes)
{
    struct calls *calls = mem_new(1, sizeof *calls);
    calls->server = server;
    calls->seconds = seconds;
    calls->reply_bytes = reply_bytes;
    return calls;
}

static void clear(struct slot *slot)
{
    if (!slot->call)
        return;
    kill(slot->child, SIGKILL);
    while (waitpid(slot->child, NULL, 0) < 0 && errno == EINTR)
        ;
    close(slot->fd);
    text_clear(&slot->text);
    mcp_call_free(slot->call);
    *slot = (struct slot){0};
}

void calls_free(struct calls *calls)
{
    for (size_t i = 0; calls && i < CALLS_MAX; i++)
        clear(&calls->slots[i]);
    free(calls);
}

static void write_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        const ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno != EINTR)
            return;
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
}

/* What the child does, and ends. The parent's own death ends it, too. */
static void run_child(const struct mcp_server *server, const struct mcp_call *call, int fd,
                      pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO); // the protocol's own output is the parent's alone
    if (fd != STDERR_FILENO + 1) {
        dup2(fd, STDERR_FILENO + 1);
        fd = STDERR_FILENO + 1;
    }
    close_range((unsigned)fd + 1, ~0U, 0);
    if (nice(NICENESS) < 0)
        errno = 0;
    char *reply = mcp_call_run(server, call);
    write_all(fd, reply, strlen(reply));
    _exit(0);
}

static struct slot *free_slot(struct calls *calls)
{
    for (size_t i = 0; i < CALLS_MAX; i++)
        if (!calls->slots[i].call)
            return &calls->slots[i];
    return NULL;
}

static char *refuse(struct mcp_call *call, const char *sentence)
{
    char *reply = mcp_call_refuse(call, sentence);
    mcp_call_free(call);
    return reply;
}

char *calls_start(struct calls *calls, struct mcp_call *call, void *owner)
{
    struct slot *slot = free_slot(calls);
    int fds[2];
    if (!slot)
        return refuse(call, "found 16 calls under way, which is as many as there may be: wait for "
                            "one, or cancel it");
    if (pipe2(fds, O_CLOEXEC) < 0)
        return refuse(call, "cannot start the call: no pipe");
    const pid_t parent = getpid(), child = fork();
    if (child == 0)
        run_child(calls->server, call, fds[1], parent);
    close(fds[1]);
    if (child < 0) {
        close(fds[0]);
        return refuse(call, "cannot start the call: no process");
    }
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    *slot = (struct slot){.call = call,
                          .owner = owner,
                          .child = child,
                          .fd = fds[0],
                          .end = clock_now() + calls->seconds};
    return NULL;
}

size_t calls_poll(const struct calls *calls, struct pollfd *polls, void **owners)
{
    size_t n = 0;
    for (size_t i = 0; i < CALLS_MAX; i++) {
        const struct slot *slot = &calls->slots[i];
        if (!slot->call)
            continue;
        if (owners)
            owners[n] = slot->owner;
        polls[n++] = (struct pollfd){.fd = slot->fd, .events = POLLIN};
    }
    return n;
}

size_t calls_under_way(const struct calls *calls)
{
    size_t n = 0;
    for (size_t i = 0; i < CALLS_MAX; i++)
        n += calls->slots[i].call != NULL;
    return n;
}

double calls_patience(const struct calls *calls)
{
    double least = -1;
    const double now = clock_now();
    for (size_t i = 0; i < CALLS_MAX; i++) {
        const struct slot *slot = &calls->slots[i];
        const double left = slot->end > now ? slot->end - now : 0;
        if (slot->call && (least < 0 || left < least))
            least = left;
    }
    return least;
}

/* Reads what is there. Sets ended at the end. */
static void read_some(struct slot *slot, size_t reply_bytes)
{
    char bytes[65536];
    for (;;) {
        const ssize_t n = read(slot->fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        slot->too_long = n > 0 && slot->text.size + (size_t)n > reply_bytes;
        slot->ended = n <= 0 || slot->too_long;
        if (slot->ended && n)
            kill(slot->child, SIGKILL); // it would wait for ever to be read
        if (slot->ended)
            return;
        text_add_bytes(&slot->text, bytes, (size_t)n);
    }
}

/* The reply, if all of it is there: a child that failed has written none, or a part. */
static char *reply_of(struct slot *slot, size_t reply_bytes)
{
    int status = 0;
    while (waitpid(slot->child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!slot->too_long && WIFEXITED(status) && WEXITSTATUS(status) == 0 && slot->text.size)
        return text_take(&slot->text);
    if (!slot->too_long)
        return mcp_call_refuse(slot->call, "the call failed in this server; its log says more");
    char *why = mem_format("found a reply of more than %zu bytes: ask for less of it", reply_bytes);
    char *reply = mcp_call_refuse(slot->call, why);
    free(why);
    return reply;
}

/* Gives a slot back whose child has been waited for. */
static void give_back(struct slot *slot)
{
    close(slot->fd);
    text_clear(&slot->text);
    mcp_call_free(slot->call);
    *slot = (struct slot){0};
}

static char *refuse_late(const struct calls *calls, const struct slot *slot)
{
    char *why = mem_format("found no end of the call within %g seconds; what it asked for may "
                           "still be done",
                           calls->seconds);
    char *reply = mcp_call_refuse(slot->call, why);
    free(why);
    return reply;
}

char *calls_next(struct calls *calls, void **owner)
{
    for (size_t i = 0; i < CALLS_MAX; i++) {
        struct slot *slot = &calls->slots[i];
        char *reply;
        if (!slot->call)
            continue;
        read_some(slot, calls->reply_bytes);
        if (!slot->ended && clock_now() < slot->end)
            continue;
        *owner = slot->owner;
        if (slot->ended) {
            reply = reply_of(slot, calls->reply_bytes);
            give_back(slot);
        } else {
            reply = refuse_late(calls, slot);
            clear(slot);
        }
        return reply;
    }
    return NULL;
}

char *calls_end(struct calls *calls, const char *why, void **owner)
{
    for (size_t i = 0; i < CALLS_MAX; i++) {
        struct slot *slot = &calls->slots[i];
        if (!slot->call)
            continue;
        *owner = slot->owner;
        char *reply = mcp_call_refuse(slot->call, why);
        clear(slot);
        return reply;
    }
    return NULL;
}

void calls_cancel(struct calls *calls, const char *id)
{
    for (size_t i = 0; i < CALLS_MAX; i++)
        if (calls->slots[i].call && strcmp(calls->slots[i].call->id, id) == 0)
            clear(&calls->slots[i]);
}

void calls_forget(struct calls *calls, const void *owner)
{
    for (size_t i = 0; i < CALLS_MAX; i++)
        if (calls->slots[i].call && calls->slots[i].owner == owner)
            clear(&calls->slots[i]);
}
