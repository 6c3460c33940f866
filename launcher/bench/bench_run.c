#include "launcher/bench/bench_run.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "launcher/front/front_path.h"
#include "launcher/machine/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const double end_seconds = 15, kill_seconds = 5;

/* Between fork and exec. */
static void prepare(void *context)
{
    const int *log = context;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(*log, STDOUT_FILENO);
    dup2(*log, STDERR_FILENO);
}

static int start(pid_t *pid, const struct bench_run *run, const char *const *words, struct err *err)
{
    char *path = mem_format("%s.log", run->folder);
    int rc = 0, log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0)
        rc = err_set(err, ERR_USAGE, "%s: cannot be opened: %s", path, strerror(errno));
    const int why = rc == 0 ? execute(pid, words, prepare, &log) : 0;
    if (why)
        rc = err_set(err, ERR_MACHINE, "%s: cannot be started: %s", words[0], strerror(why));
    if (log >= 0)
        close(log);
    free(path);
    return rc;
}

int bench_run_begin(struct bench_run *run, struct err *err)
{
    char program[PATH_MAX];
    if (!front_path(program, sizeof program))
        return err_set(err, ERR_MACHINE, "the program cannot be found: %s", strerror(errno));
    setenv("TRIREME", program, 1); // for programs that are clients
    const char *const words[] = {program,     "train", run->config, "--out", run->folder,
                                 "--workers", "1",     "--servers", "1",     NULL};
    run->began = clock_now();
    return start(&run->training, run, words, err);
}

/* Copies a word with the run's folder in the place of each {RUN}. */
static char *fill_in(const char *word, const char *folder)
{
    static const char mark[] = "{RUN}";
    char *out = mem_strdup(word);
    for (char *at; (at = strstr(out, mark));) {
        char *longer = mem_format("%.*s%s%s", (int)(at - out), out, folder, at + strlen(mark));
        free(out);
        out = longer;
        if (strstr(folder, mark))
            break;
    }
    return out;
}

static int start_beside(struct bench_run *run, struct err *err)
{
    char **words = mem_new(run->n_beside + 1, sizeof *words);
    for (size_t i = 0; i < run->n_beside; i++)
        words[i] = fill_in(run->beside[i], run->folder);
    const int rc = start(&run->program, run, (const char *const *)words, err);
    run->was_beside = rc == 0;
    for (size_t i = 0; i < run->n_beside; i++)
        free(words[i]);
    free(words);
    return rc;
}

static bool has_begun(const struct bench_run *run)
{
    char *path = file_join(run->folder, "config.yaml");
    const bool there = file_exists(path);
    free(path);
    return there;
}

/* Whether a process has ended; its code. */
static bool reap(pid_t *pid, int *code)
{
    int status = 0;
    if (!*pid || waitpid(*pid, &status, WNOHANG) != *pid)
        return false;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    *pid = 0;
    return true;
}

static void end_program(struct bench_run *run)
{
    const double since = clock_now() - run->ended;
    if (run->stage == 0 && since > end_seconds) {
        kill(-run->program, SIGTERM);
        run->stage = 1;
    } else if (run->stage == 1 && since > end_seconds + kill_seconds) {
        kill(-run->program, SIGKILL);
        run->stage = 2;
    }
}

int bench_run_turn(bool *over, struct bench_run *run, struct err *err)
{
    int rc = 0, code;
    if (reap(&run->training, &run->code))
        run->ended = clock_now();
    reap(&run->program, &code); // its code is of no account: the run tells what it did
    if (run->n_beside && !run->was_beside && run->training && has_begun(run)) {
        rc = start_beside(run, err);
        if (rc < 0)
            bench_run_stop(run);
    }
    if (run->program && !run->training)
        end_program(run);
    *over = !run->training && !run->program;
    return rc;
}

void bench_run_stop(const struct bench_run *run)
{
    if (run->training)
        kill(run->training, SIGTERM);
}
