#include "launcher/job/mpirun.h"

#include "base/mem.h"
#include "launcher/environment.h"
#include "launcher/job/execute.h"
#include "launcher/job/hostfile.h"
#include "launcher/job/networks.h"

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
    const char **v = mem_new(n + 26, sizeof *v);
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
    v[i++] = "-n", v[i++] = ranks;
    v[i++] = program;
    for (const char *const *word = job->command; *word; word++)
        v[i++] = *word;
    for (char *const *a = job->arguments; *a; a++)
        v[i++] = *a;
    return v;
}

struct session {
    int errors;
    pid_t parent;
};

static void prepare(void *context)
{
    const struct session *session = context;
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != session->parent)
        _exit(1);
    dup2(session->errors, STDERR_FILENO);
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

static void set_environment(const struct mpirun *job)
{
    environment_leave_job();
    environment_set_home();
    set_columns();
    if (job->hosts && hostfile_has_dots(job->hosts))
        environment_set_mca("orte_keep_fqdn_hostnames", "1", NULL);
    if (job->hosts && hostfile_has_others(job->hosts))
        networks_leave_out_of_daemons();
}

int mpirun_start(pid_t *pid, int *errors, const struct mpirun *job, struct err *err)
{
    int ends[2];
    char program[4096], ranks[16];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, ERR_MACHINE, "mpirun cannot be started: %s", strerror(errno));
    program[n] = 0;
    snprintf(ranks, sizeof ranks, "%u", job->ranks);
    set_environment(job);
    const char **arguments = mpirun_arguments(job, program, ranks);
    struct session session = {ends[1], getpid()};
    const int failed = execute(pid, arguments, prepare, &session);
    free(arguments);
    close(ends[1]);
    if (failed == 0) {
        *errors = ends[0];
        return 0;
    }
    close(ends[0]);
    if (failed == ENOENT)
        return err_set(err, ERR_MACHINE,
                       "mpirun cannot be started: found none in PATH, expected Open MPI's "
                       "(Debian: apt-get install openmpi-bin)");
    return err_set(err, ERR_MACHINE, "mpirun cannot be started: %s", strerror(failed));
}
