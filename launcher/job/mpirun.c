#include "launcher/job/mpirun.h"

#include "base/mem.h"
#include "launcher/environment.h"
#include "launcher/front/front_path.h"
#include "launcher/front/held_signals.h"
#include "launcher/job/stop_request.h"
#include "launcher/machine/execute.h"
#include "launcher/machine/hostfile.h"
#include "launcher/machine/networks.h"

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
    struct environment_allocation allocation; // mpirun knows its nodes
    size_t n = 0;
    environment_find_allocation(&allocation);
    for (char *const *a = job->arguments; *a; a++)
        n++;
    const char **v = mem_new(n + 33, sizeof *v);
    size_t i = 0;
    v[i++] = "mpirun";
    if (geteuid() == 0)
        v[i++] = "--allow-run-as-root";
    v[i++] = "--oversubscribe";
    v[i++] = "--bind-to", v[i++] = "none";
    if (job->hostfile)
        v[i++] = "--hostfile", v[i++] = job->hostfile;
    if (job->hostfile || allocation.nodes > 1)
        v[i++] = "--map-by", v[i++] = "node"; // spreads the servers, whose ranks come first
    v[i++] = "-x", v[i++] = ENVIRONMENT_COLUMNS;
    v[i++] = "-x", v[i++] = ENVIRONMENT_BEGAN;
    v[i++] = "-x", v[i++] = ENVIRONMENT_HANGUP;
    // Where its daemons on other hosts are told to end, ranks get SIGTERM so many seconds later,
    // and SIGKILL after as many again: by then a batch system has killed them itself.
    if (job->hostfile || allocation.nodes > 1)
        v[i++] = "--mca", v[i++] = "odls_base_sigkill_timeout", v[i++] = "15";
    v[i++] = "-n", v[i++] = ranks;
    v[i++] = program;
    for (const char *const *word = job->command; *word; word++)
        v[i++] = *word;
    for (char *const *a = job->arguments; *a; a++)
        v[i++] = *a;
    return v;
}

struct session {
    int errors, orders;
    pid_t parent;
};

static void prepare(void *context)
{
    const struct session *session = context;
    held_signals_hold();
    setsid();
    // mpirun passes it on to ranks, which ignore it: without a handler it kills
    prctl(PR_SET_PDEATHSIG, SIGUSR2);
    if (getppid() != session->parent)
        _exit(1);
    dup2(session->orders, STDIN_FILENO);
    dup2(session->errors, STDERR_FILENO);
    signal(SIGPIPE, SIG_DFL);
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

static void set_request(const struct mpirun *job)
{
    char text[32];
    snprintf(text, sizeof text, "%.6f", job->began);
    setenv(ENVIRONMENT_BEGAN, text, 1);
    setenv(ENVIRONMENT_HANGUP, stop_request_ignores_hangup() ? "ignored" : "", 1);
}

static void set_environment(const struct mpirun *job)
{
    environment_leave_job();
    environment_set_home();
    set_columns();
    set_request(job);
    if (job->hosts && hostfile_has_dots(job->hosts))
        environment_set_mca("orte_keep_fqdn_hostnames", "1", NULL);
    if (job->hosts && hostfile_has_others(job->hosts))
        networks_leave_out_of_daemons();
}

static void close_both(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

/* Two pipes, what mpirun says and what rank 0 listens to. */
static bool open_pipes(int errors[2], int orders[2])
{
    if (pipe2(errors, O_CLOEXEC) < 0)
        return false;
    if (pipe2(orders, O_CLOEXEC) == 0)
        return true;
    close_both(errors);
    return false;
}

int mpirun_start(pid_t *pid, int *errors, int *orders, const struct mpirun *job, struct err *err)
{
    int out[2], in[2];
    char program[4096], ranks[16];
    if (!front_path(program, sizeof program) || !open_pipes(out, in))
        return err_set(err, ERR_MACHINE, "mpirun cannot be started: %s", strerror(errno));
    snprintf(ranks, sizeof ranks, "%u", job->ranks);
    set_environment(job);
    const char **arguments = mpirun_arguments(job, program, ranks);
    struct session session = {out[1], in[0], getpid()};
    const int failed = execute(pid, arguments, prepare, &session);
    free(arguments);
    if (failed == 0) {
        close(out[1]);
        close(in[0]);
        *errors = out[0];
        *orders = in[1];
        return 0;
    }
    close_both(out);
    close_both(in);
    if (failed == ENOENT)
        return err_set(err, ERR_MACHINE,
                       "mpirun cannot be started: found none in PATH, expected Open MPI's "
                       "(Debian: apt-get install openmpi-bin)");
    return err_set(err, ERR_MACHINE, "mpirun cannot be started: %s", strerror(failed));
}
