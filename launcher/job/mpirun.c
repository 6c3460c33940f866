#include "launcher/job/mpirun.h"

#include "base/mem.h"
#include "launcher/environment.h"
#include "launcher/front/held_signals.h"
#include "launcher/job/stop_request.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Arguments of mpirun, in fresh memory (the array only). */
static const char **mpirun_arguments(const struct mpirun *job, char *program, char *ranks)
{
    size_t n = 0;
    for (char *const *a = job->arguments; *a; a++)
        n++;
    const char **v = mem_new(n + 33, sizeof *v);
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
    v[i++] = "-x", v[i++] = ENVIRONMENT_BEGAN;
    v[i++] = "-x", v[i++] = ENVIRONMENT_HANGUP;
    // Where its daemons on other hosts are told to end, ranks get SIGTERM so many seconds later,
    // and SIGKILL after as many again: by then a batch system has killed them itself.
    if (job->hostfile)
        v[i++] = "--mca", v[i++] = "odls_base_sigkill_timeout", v[i++] = "15";
    v[i++] = "-n", v[i++] = ranks;
    v[i++] = program;
    for (const char *const *word = job->command; *word; word++)
        v[i++] = *word;
    for (char *const *a = job->arguments; *a; a++)
        v[i++] = *a;
    return v;
}

static _Noreturn void child_exec(const char **arguments, int errors, int orders, pid_t parent)
{
    setsid();
    // mpirun passes it on to ranks, which ignore it: without a handler it kills
    prctl(PR_SET_PDEATHSIG, SIGUSR2);
    if (getppid() != parent)
        _exit(MPIRUN_EXEC_FAILED);
    dup2(orders, STDIN_FILENO);
    dup2(errors, STDERR_FILENO);
    signal(SIGPIPE, SIG_DFL);
    execvp(arguments[0], (char *const *)arguments);
    _exit(MPIRUN_EXEC_FAILED);
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

/* Writes the path of the front, which executes this program (launcher/front). */
static bool find_front(char *path, size_t size)
{
    static const char below[] = "/program/trireme";
    const size_t length = sizeof below - 1;
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    if (n < 0)
        return false;
    path[n] = 0;
    if ((size_t)n > length && !strcmp(path + n - length, below))
        strcpy(path + n - length, "/trireme");
    return true;
}

static void set_began(const struct mpirun *job)
{
    char text[32];
    snprintf(text, sizeof text, "%.6f", job->began);
    setenv(ENVIRONMENT_BEGAN, text, 1);
    setenv(ENVIRONMENT_HANGUP, stop_request_ignores_hangup() ? "ignored" : "", 1);
}

static void close_both(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

int mpirun_start(pid_t *pid, int *errors, int *orders, const struct mpirun *job, struct err *err)
{
    int ends[2], in[2];
    char program[4096], ranks[16];
    if (!find_front(program, sizeof program) || pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, ERR_MACHINE, "cannot start mpirun: %s", strerror(errno));
    if (pipe2(in, O_CLOEXEC) < 0) {
        err_set(err, ERR_MACHINE, "cannot start mpirun: %s", strerror(errno));
        close_both(ends);
        return -1;
    }
    snprintf(ranks, sizeof ranks, "%u", job->ranks);
    set_columns();
    set_began(job);
    const char **arguments = mpirun_arguments(job, program, ranks);
    pid_t parent = getpid();
    held_signals_hold(); // the child keeps them held
    const pid_t child = fork();
    if (child == 0)
        child_exec(arguments, ends[1], in[0], parent);
    held_signals_release();
    free(arguments);
    if (child < 0) {
        err_set(err, ERR_MACHINE, "cannot start mpirun: %s", strerror(errno));
        close_both(ends);
        close_both(in);
        return -1;
    }
    close(ends[1]);
    close(in[0]);
    *pid = child;
    *errors = ends[0];
    *orders = in[1];
    return 0;
}
