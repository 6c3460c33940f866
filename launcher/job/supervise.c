#include "launcher/job/supervise.h"

#include "base/clock.h"
#include "base/text.h"
#include "launcher/environment.h"
#include "launcher/job/children.h"
#include "launcher/job/leftovers.h"
#include "launcher/job/mpirun.h"
#include "launcher/job/outcome.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_MAX_SIZE = 4096 };
static const double grace_seconds =
    5; /* from asking mpirun to end, or from its ranks' end, to killing it */
static const double look_seconds = 0.5; /* between two looks at its ranks */
static const char mark[] = "trireme: "; /* begins the lines that are for people */

static volatile sig_atomic_t asked; /* times a stop was asked for */

static void on_signal(int signal)
{
    if (signal != SIGUSR1 || asked == 0)
        asked = asked + 1;
}

struct child {
    pid_t pid;
    int errors;      /* read end of mpirun's stderr */
    int passed;      /* stops passed on */
    double kill_at;  /* 0: not yet */
    double looked;   /* for its ranks */
    double alone_at; /* when they were first seen to be gone; 0: they are there, or have not been */
    bool had_ranks;
    struct text line; /* of stderr, unfinished */
    unsigned servers;
    struct outcome outcome;
};

static void take_line(struct child *child, const char *line)
{
    if (!strcmp(line, SUPERVISE_LAUNCHED)) {
        child->outcome.launched = true;
    } else if (!strncmp(line, SUPERVISE_CLAIMED, sizeof SUPERVISE_CLAIMED - 1)) {
        child->outcome.incarnation = strtoull(line + sizeof SUPERVISE_CLAIMED - 1, NULL, 10);
    } else if (!strncmp(line, mark, sizeof mark - 1)) {
        fprintf(stderr, "%s\n", line);
        child->outcome.said = true;
    } else {
        outcome_add_line(&child->outcome, line, child->servers);
    }
}

/* Reads what there is; false at the end. */
static bool read_errors(struct child *child)
{
    char bytes[LINE_MAX_SIZE];
    ssize_t n = read(child->errors, bytes, sizeof bytes);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] != '\n') {
            text_add_bytes(&child->line, &bytes[i], 1);
            continue;
        }
        take_line(child, child->line.bytes ? child->line.bytes : "");
        text_clear(&child->line);
    }
    return n > 0;
}

static void pass_stops(struct child *child)
{
    if (asked > 0 && child->passed == 0 && child->outcome.launched) {
        kill(child->pid, SIGUSR1);
        child->passed = 1;
    }
    if (asked > 1 && child->passed < 2) {
        kill(child->pid, SIGTERM);
        child->passed = 2;
        child->kill_at = clock_now() + grace_seconds;
    }
    if (child->kill_at > 0 && clock_now() > child->kill_at) {
        kill(-child->pid, SIGKILL);
        child->kill_at = clock_now() + grace_seconds;
    }
}

/* mpirun can hang in its own end when a rank dies while it starts (Open MPI 4.1, in
 * PMIx_server_finalize). */
static void watch_end(struct child *child)
{
    double now = clock_now();
    if (now - child->looked < look_seconds)
        return;
    child->looked = now;
    if (children_live(child->pid)) {
        child->had_ranks = true;
        child->alone_at = 0;
    } else if (child->had_ranks && child->alone_at <= 0) {
        child->alone_at = now;
    } else if (child->had_ranks && now - child->alone_at > grace_seconds) {
        if (!child->outcome.lost[0])
            snprintf(child->outcome.lost, sizeof child->outcome.lost,
                     "the ranks ended, but mpirun did not within %.0f s and was killed",
                     grace_seconds);
        kill(-child->pid, SIGKILL);
    }
}

static int wait_end(struct child *child)
{
    int status = 0;
    bool reading = true;
    for (;;) {
        struct pollfd fd = {.fd = child->errors, .events = POLLIN};
        if (reading && poll(&fd, 1, 100) > 0)
            reading = read_errors(child);
        else if (!reading)
            clock_sleep(0.01);
        pass_stops(child);
        watch_end(child);
        if (waitpid(child->pid, &status, WNOHANG) == child->pid)
            break;
    }
    while (reading && poll(&(struct pollfd){.fd = child->errors, .events = POLLIN}, 1, 200) > 0)
        reading = read_errors(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int supervise(const struct mpirun *job, uint64_t *kept, struct err *err)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    struct child child = {.servers = job->servers};
    leftovers_sweep(LEFTOVERS_SHARED);
    if (mpirun_start(&child.pid, &child.errors, job, err) < 0)
        return -1;
    const struct leftovers_told told = {.above = environment_mpi_folder(), .mpirun = child.pid};
    struct leftovers_mark *left = leftovers_mark(LEFTOVERS_SHARED, &told);
    child.outcome.code = wait_end(&child);
    leftovers_mark_over(left);
    leftovers_end(LEFTOVERS_SHARED, child.pid);
    child.outcome.ended_at_once = asked > 1;
    int rc = outcome_judge(&child.outcome, job, kept, err);
    close(child.errors);
    text_clear(&child.line);
    outcome_clear(&child.outcome);
    return rc;
}
