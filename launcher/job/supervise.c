#include "launcher/job/supervise.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "launcher/environment.h"
#include "launcher/job/children.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include "files.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXEC_FAILED = 127, LINE_MAX_SIZE = 4096 };
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
    int errors; /* read end of mpirun's stderr */
    bool launched;
    uint64_t incarnation; /* of this launch; 0: it did not get the run */
    int passed;           /* stops passed on */
    double kill_at;       /* 0: not yet */
    double looked;        /* for its ranks */
    double alone_at; /* when they were first seen to be gone; 0: they are there, or have not been */
    bool had_ranks;
    struct text line;  /* of stderr, unfinished */
    struct text noise; /* what mpirun said */
    char lost[200];    /* "rank 2 was lost: killed by signal 9" */
    unsigned servers;
};

/* Arguments of mpirun, in fresh memory (the array only). */
static const char **mpirun_arguments(const struct supervise *job, char *program, char *ranks)
{
    size_t n = 0;
    for (char *const *a = job->arguments; *a; a++)
        n++;
    const char **v = mem_new(n + 26, sizeof *v);
    size_t i = 0;
    v[i++] = "mpirun";
    if (geteuid() == 0)
        v[i++] = "--allow-run-as-root";
    v[i++] = "--oversubscribe";
    v[i++] = "--bind-to", v[i++] = "none";
    if (job->hostfile) {
        v[i++] = "--hostfile", v[i++] = job->hostfile;
        v[i++] = "--map-by", v[i++] = "node"; // spreads the servers, whose ranks come first
    }
    v[i++] = "-x", v[i++] = ENVIRONMENT_COLUMNS;
    v[i++] = "-n", v[i++] = ranks;
    v[i++] = program;
    for (const char *const *word = job->command; *word; word++)
        v[i++] = *word;
    for (char *const *a = job->arguments; *a; a++)
        v[i++] = *a;
    return v;
}

static _Noreturn void child_exec(const char **arguments, int errors, pid_t parent)
{
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXEC_FAILED);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(errors, STDERR_FILENO);
    execvp(arguments[0], (char *const *)arguments);
    _exit(EXEC_FAILED);
}

static void set_columns(void)
{
    struct winsize size = {0};
    char text[16];
    bool terminal = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    int columns = terminal ? (size.ws_col ? size.ws_col : 80) : 0;
    snprintf(text, sizeof text, "%d",
             columns < ENVIRONMENT_COLUMNS_MAX ? columns : ENVIRONMENT_COLUMNS_MAX - 1);
    setenv(ENVIRONMENT_COLUMNS, text, 1);
}

static int start(struct child *child, const struct supervise *job, struct err *err)
{
    int ends[2];
    char program[4096], ranks[16];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, ERR_MACHINE, "cannot start mpirun: %s", strerror(errno));
    program[n] = 0;
    snprintf(ranks, sizeof ranks, "%u", job->ranks);
    set_columns();
    const char **arguments = mpirun_arguments(job, program, ranks);
    pid_t parent = getpid();
    child->pid = fork();
    if (child->pid == 0)
        child_exec(arguments, ends[1], parent);
    free(arguments);
    close(ends[1]);
    child->errors = ends[0];
    if (child->pid < 0) {
        close(ends[0]);
        return err_set(err, ERR_MACHINE, "cannot start mpirun: %s", strerror(errno));
    }
    return 0;
}

/* mpirun's own sentence about a rank that died. */
static void note_lost(struct child *child, const char *line)
{
    const char *at = strstr(line, "process rank ");
    int rank = 0, pid = 0, signal = 0;
    char host[100] = "";
    if (!at || child->lost[0] ||
        sscanf(at, "process rank %d with PID %d on node %99s exited on signal %d", &rank, &pid,
               host, &signal) != 4)
        return;
    const char *role = rank == 0                     ? "the coordinator"
                       : rank <= (int)child->servers ? "server"
                                                     : "worker";
    int index = rank <= (int)child->servers ? rank - 1 : rank - 1 - (int)child->servers;
    if (rank == 0)
        snprintf(child->lost, sizeof child->lost, "%s (rank 0 on %s) was lost: killed by signal %d",
                 role, host, signal);
    else
        snprintf(child->lost, sizeof child->lost,
                 "%s %d (rank %d on %s) was lost: killed by signal %d", role, index, rank, host,
                 signal);
}

static void take_line(struct child *child, const char *line)
{
    if (!strcmp(line, SUPERVISE_LAUNCHED)) {
        child->launched = true;
    } else if (!strncmp(line, SUPERVISE_CLAIMED, sizeof SUPERVISE_CLAIMED - 1)) {
        child->incarnation = strtoull(line + sizeof SUPERVISE_CLAIMED - 1, NULL, 10);
    } else if (!strncmp(line, mark, sizeof mark - 1)) {
        fprintf(stderr, "%s\n", line);
    } else {
        note_lost(child, line);
        text_printf(&child->noise, "%s\n", line);
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
    if (asked > 0 && child->passed == 0 && child->launched) {
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
        if (!child->lost[0])
            snprintf(child->lost, sizeof child->lost,
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

/* Fills err with how the run ended. */
static int judge(const struct child *child, const struct supervise *job, int code, uint64_t *kept,
                 struct err *err)
{
    if (code == EXEC_FAILED && !child->launched)
        return err_set(err, ERR_MACHINE,
                       "mpirun cannot be started: found none in PATH, expected Open MPI's "
                       "(Debian: apt-get install openmpi-bin)");
    char *path = file_join(job->run, "status.json"), *text = NULL;
    size_t size = 0;
    Trireme__Status *status = message_new(&trireme__status__descriptor);
    int rc = -1;
    struct err unread;
    if (child->incarnation && file_exists(path) &&
        (text = file_read(path, &size, ERR_MACHINE, &unread)) &&
        json_read(status, text, size, path, ERR_MACHINE, &unread) == 0 &&
        status->incarnation == child->incarnation) {
        *kept = status->step;
        rc = status->code
                 ? err_set(err, (enum err_code)status->code, "%s", status->text ? status->text : "")
                 : 0;
        if (code && code != (int)status->code && status->code == 0)
            rc = 0; // the run was over; what mpirun says of its end changes nothing
    } else if (asked > 1) {
        err_set(err, ERR_MACHINE,
                "stopped at once on request: what came after the newest checkpoint is lost");
    } else if (child->lost[0]) {
        err_set(
            err, ERR_MACHINE,
            "%s: the run is kept: run the same line again to continue from its newest checkpoint",
            child->lost);
    } else if (code == ERR_USAGE || code == ERR_DATA) {
        err->code = (enum err_code)code; // rank 0 said why, before there was a run to write to
        err->text[0] = 0;
    } else {
        fputs(child->noise.bytes ? child->noise.bytes : "", stderr);
        err_set(err, ERR_MACHINE, "mpirun ended with code %d, and no rank said why", code);
    }
    message_free(status);
    free(text);
    free(path);
    return rc;
}

int supervise(const struct supervise *job, uint64_t *kept, struct err *err)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    struct child child = {.servers = job->servers};
    if (start(&child, job, err) < 0)
        return -1;
    int code = wait_end(&child);
    int rc = judge(&child, job, code, kept, err);
    close(child.errors);
    text_clear(&child.line);
    text_clear(&child.noise);
    return rc;
}
