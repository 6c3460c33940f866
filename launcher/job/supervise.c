#include "launcher/job/supervise.h"

#include "base/clock.h"
#include "base/text.h"
#include "launcher/environment.h"
#include "launcher/job/launch.h"
#include "launcher/job/mpirun.h"
#include "launcher/job/outcome.h"
#include "launcher/job/stop_request.h"
#include "launcher/machine/children.h"
#include "launcher/machine/leftovers.h"

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
    5; /* from the end of its ranks, or a request that no rank takes, to killing mpirun */
static const double look_seconds = 0.2; /* between two looks at mpirun from outside */
/* From the end of the run, which is in its files then, to killing what is left here of its ranks:
 * more than their own bound (mpi_transport_close), and with the grace of mpirun less than the half
 * minute after which batch systems kill. */
static const double over_seconds = 12, over_seconds_a_rank = 0.01;
static const char mark[] = "trireme: "; /* begins the lines that are for people */

struct child {
    pid_t pid;
    int errors;      /* read end of mpirun's stderr */
    int orders;      /* write end of what rank 0 listens to */
    double asked;    /* when a stop was passed on; 0: not yet */
    bool urgent;     /* the end at once, too */
    double kill_at;  /* 0: not yet */
    double looked;   /* for its ranks, and for signals that wait there */
    double alone_at; /* when they were first seen to be gone; 0: they are there, or have not been */
    bool had_ranks; /* on this host: where it only starts daemons elsewhere they may leave before */
    double ended_at;  /* when rank 0 was on its way out; 0: not yet */
    struct text line; /* of stderr, unfinished */
    unsigned servers;
    struct outcome outcome;
    struct launch launch;
};

static void take_line(struct child *child, const char *line)
{
    if (!strcmp(line, SUPERVISE_LAUNCHED)) {
        child->outcome.launched = true;
    } else if (!strcmp(line, SUPERVISE_STOPPED)) {
        child->outcome.asked = true;
    } else if (!strcmp(line, SUPERVISE_BEGAN)) {
        child->outcome.began = true;
    } else if (!strcmp(line, SUPERVISE_ENDED)) {
        child->ended_at = clock_now();
    } else if (launch_take_line(&child->launch, line)) {
        return;
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

/* Kills mpirun's children, of which it then makes an end; and mpirun, if it does not. */
static void end_at_once(struct child *child)
{
    if (child->kill_at <= 0)
        children_kill(child->pid);
    else
        kill(-child->pid, SIGKILL);
    child->kill_at = clock_now() + grace_seconds;
}

/* Whether the run is over and its ranks or mpirun do not come to their end: a daemon of mpirun's
 * that was killed on another host is waited for without a bound (Open MPI 4.1). */
static bool is_over(const struct child *child, double now)
{
    const double bound = over_seconds + over_seconds_a_rank * child->launch.job->ranks;
    return child->ended_at > 0 && now - child->ended_at > bound;
}

/* Before the first rank handles requests there is nothing to be kept, and it may never come. */
static bool is_late(struct child *child, double now)
{
    const bool launched = child->outcome.launched;
    return child->asked > 0 ? !launched && now - child->asked > grace_seconds
                            : launch_passes(&child->launch, launched, now);
}

static void pass_stops(struct child *child)
{
    const double now = clock_now();
    if (*stop_request_flag() && child->asked <= 0) {
        child->asked = now;
        child->outcome.asked = true;
        if (write(child->orders, "\n", 1) < 0)
            return; // it has ended
    }
    const bool urgent = stop_request_is_urgent(), over = is_over(child, now);
    if (child->kill_at > 0 ? now > child->kill_at : urgent || over || is_late(child, now))
        end_at_once(child);
    child->outcome.cut_short = child->outcome.cut_short || over;
    child->outcome.ended_at_once = child->outcome.ended_at_once || urgent;
}

/* mpirun can hang in its own end when a rank dies while it starts (Open MPI 4.1, in
 * PMIx_server_finalize). */
static void watch_end(struct child *child, double now)
{
    if (children_live(child->pid)) {
        child->had_ranks = child->had_ranks || children_run_this(child->pid);
        child->alone_at = 0;
    } else if (!child->had_ranks && child->ended_at <= 0) {
        return;
    } else if (child->alone_at <= 0) {
        child->alone_at = now;
    } else if (now - child->alone_at > grace_seconds) {
        if (!child->outcome.lost[0])
            snprintf(child->outcome.lost, sizeof child->outcome.lost,
                     "the ranks ended, but mpirun did not within %.0f s and was killed",
                     grace_seconds);
        kill(-child->pid, SIGKILL);
    }
}

static void look(struct child *child)
{
    const double now = clock_now();
    if (now - child->looked < look_seconds)
        return;
    child->looked = now;
    watch_end(child, now);
    if (child->asked <= 0 && stop_request_waits_at(child->pid))
        stop_request_make();
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
        look(child);
        pass_stops(child);
        if (waitpid(child->pid, &status, WNOHANG) == child->pid)
            break;
    }
    while (reading && poll(&(struct pollfd){.fd = child->errors, .events = POLLIN}, 1, 200) > 0)
        reading = read_errors(child);
    child->outcome.by_signal = WIFSIGNALED(status);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int supervise(const struct mpirun *job, uint64_t *kept, struct err *err)
{
    struct child child = {.servers = job->servers};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL); // of orders to an mpirun that has just ended
    leftovers_sweep(LEFTOVERS_SHARED);
    if (mpirun_start(&child.pid, &child.errors, &child.orders, job, err) < 0)
        return -1;
    const struct leftovers_told told = {.above = environment_mpi_folder(), .mpirun = child.pid};
    struct leftovers_mark *left = leftovers_mark(LEFTOVERS_SHARED, &told);
    launch_begin(&child.launch, job, clock_now());
    child.outcome.code = wait_end(&child);
    leftovers_mark_over(left);
    leftovers_end(LEFTOVERS_SHARED, child.pid);
    int rc = child.launch.late ? launch_explain(&child.launch, err)
                               : outcome_judge(&child.outcome, job, kept, err);
    launch_clear(&child.launch);
    close(child.errors);
    close(child.orders);
    text_clear(&child.line);
    outcome_clear(&child.outcome);
    return rc;
}
