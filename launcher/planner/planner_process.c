#include "launcher/planner/planner_process.h"

#include "launcher/planner/planner_program.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 16, PIPE_SIZE = 1 << 20, LOG_SIZE = 4 << 20 };

/* The ends of four pipes, and the log: what a start needs. */
struct ends {
    int in[2], out[2], err[2], report[2], log;
};

static void close_all(const struct ends *ends)
{
    const int files[] = {ends->in[0],  ends->in[1],     ends->out[0],    ends->out[1], ends->err[0],
                         ends->err[1], ends->report[0], ends->report[1], ends->log};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] >= 0)
            close(files[i]);
}

static int open_log(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int open_all(struct ends *ends, const struct planner_program *program, struct err *err)
{
    *ends = (struct ends){
        {-1, -1},
        {-1, -1},
        {-1, -1},
        {-1, -1},
        -1
    };
    ends->log = open_log(program->log);
    if (ends->log < 0)
        return err_set(err, ERR_USAGE, "%s: cannot be written: %s", program->log, strerror(errno));
    if (pipe2(ends->in, O_CLOEXEC) == 0 && pipe2(ends->out, O_CLOEXEC) == 0 &&
        pipe2(ends->err, O_CLOEXEC) == 0 && pipe2(ends->report, O_CLOEXEC) == 0 &&
        fcntl(ends->report[0], F_SETFL, O_NONBLOCK) == 0 &&
        fcntl(ends->in[1], F_SETFL, O_NONBLOCK) == 0 &&
        fcntl(ends->out[0], F_SETFL, O_NONBLOCK) == 0 &&
        fcntl(ends->err[0], F_SETFL, O_NONBLOCK) == 0) {
        fcntl(ends->in[1], F_SETPIPE_SZ, PIPE_SIZE); // where it fails, more calls do
        fcntl(ends->out[1], F_SETPIPE_SZ, PIPE_SIZE);
        fcntl(ends->err[1], F_SETPIPE_SZ, PIPE_SIZE);
        return 0;
    }
    err_set(err, ERR_MACHINE, "the planner cannot be started: %s", strerror(errno));
    close_all(ends);
    return -1;
}

/* Between fork and exec: only what is safe after a fork of a process with threads. */
static _Noreturn void child_exec(const struct ends *ends, const struct planner_program *program)
{
    struct sigaction as_usual = {.sa_handler = SIG_DFL};
    sigset_t none;
    setsid();
    sigemptyset(&none);
    for (int s = 1; s < NSIG; s++)
        sigaction(s, &as_usual, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(ends->in[0], STDIN_FILENO);
    dup2(ends->out[1], STDOUT_FILENO);
    dup2(ends->err[1], STDERR_FILENO);
    cage_exec(program->cage, ends->report[1], program->path, program->arguments,
              program->variables);
}

/* The folder outside that it works in, where it needs one; made anew, as what is left of a process
 * that was killed is not the program's. */
static int make_work(const struct cage *cage, struct err *err)
{
    const char *work = cage_outside(cage);
    bool open = false;
    if (!work)
        return 0;
    return file_remove_tree(work, ERR_USAGE, err) < 0 ||
                   file_make_private(&open, work, ERR_USAGE, err) < 0
               ? -1
               : 0;
}

static void remove_work(const struct cage *cage)
{
    struct err ignored; // the next start says it
    if (cage_outside(cage))
        file_remove_tree(cage_outside(cage), ERR_USAGE, &ignored);
}

/* Those that were killed and have ended meanwhile. */
static void reap(struct planner_process *p)
{
    for (size_t i = 0; i < PLANNER_PROCESSES_LEFT; i++)
        if (p->left[i] && waitpid(p->left[i], NULL, WNOHANG) != 0)
            p->left[i] = 0;
}

int planner_process_start(struct planner_process *process, const struct planner_program *program,
                          struct err *err)
{
    struct ends ends;
    reap(process);
    if (make_work(program->cage, err) < 0 || open_all(&ends, program, err) < 0)
        return -1;
    pid_t pid = cage_fork(program->cage);
    if (pid == 0)
        child_exec(&ends, program);
    if (pid < 0) {
        err_set(err, ERR_MACHINE, "the planner cannot be started: %s", strerror(errno));
        close_all(&ends);
        return -1;
    }
    close(ends.in[0]);
    close(ends.out[1]);
    close(ends.err[1]);
    close(ends.report[1]);
    process->pid = pid, process->in = ends.in[1], process->out = ends.out[0],
    process->err = ends.err[0];
    process->report = ends.report[0], process->cage = program->cage;
    process->log = ends.log, process->log_path = program->log;
    process->dead = false;
    process->failed = (struct cage_report){0};
    return 0;
}

/* A new log in the place of one that is large. */
static void turn_log(struct planner_process *p)
{
    struct stat status;
    if (fstat(p->log, &status) < 0 || status.st_size < LOG_SIZE)
        return;
    char *before = mem_format("%s.before", p->log_path);
    if (rename(p->log_path, before) == 0) {
        close(p->log);
        p->log = open_log(p->log_path);
    }
    free(before);
}

/* What it wrote to stderr. A log that cannot be written is no reason to end anything. */
static void take_log(struct planner_process *p)
{
    char bytes[READ_SIZE];
    for (size_t taken = 0; taken < PIPE_SIZE;) {
        ssize_t n = read(p->err, bytes, sizeof bytes);
        if (n <= 0 || p->log < 0 || write(p->log, bytes, (size_t)n) != n)
            return;
        taken += (size_t)n;
        turn_log(p);
    }
}

void planner_process_kill(struct planner_process *process)
{
    reap(process);
    if (process->pid == 0)
        return;
    take_log(process);
    // the leader is not yet reaped, so the number is still its group's
    kill(-process->pid, SIGKILL);
    kill(process->pid, SIGKILL); // who may not have had the time to lead one
    close(process->in);
    close(process->out);
    close(process->err);
    close(process->report);
    if (process->log >= 0)
        close(process->log);
    for (size_t i = 0; i < PLANNER_PROCESSES_LEFT && process->pid; i++)
        if (process->left[i] == 0) {
            process->left[i] = process->pid;
            process->pid = 0;
        }
    process->pid = 0;
    reap(process);
    remove_work(process->cage);
}

ssize_t planner_process_say(int in, const char *bytes, size_t size)
{
    sigset_t broken, before;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken, &before);
    ssize_t n = write(in, bytes, size);
    if (n < 0 && errno == EPIPE)
        sigtimedwait(&broken, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n;
}

void planner_process_write(const struct planner_process *process, const struct text *text,
                           size_t *done)
{
    if (*done == text->size)
        return;
    ssize_t n = planner_process_say(process->in, text->bytes + *done, text->size - *done);
    *done += n > 0 ? (size_t)n : 0;
}

/* In a cage with processes of its own the child is not the program: it tells how that ended. */
static void hear(struct planner_process *p)
{
    struct cage_report r;
    while (read(p->report, &r, sizeof r) == (ssize_t)sizeof r)
        if (r.news == CAGE_FAILED)
            p->failed = r;
        else if (r.news == CAGE_ENDED) {
            p->code = WIFEXITED(r.status) ? CLD_EXITED : CLD_KILLED;
            p->status = WIFEXITED(r.status) ? WEXITSTATUS(r.status) : WTERMSIG(r.status);
        }
    p->failed.step[sizeof p->failed.step - 1] = 0;
}

/* Whether it has ended; it is not reaped before it is killed, so that its number stays its own. */
static void look_after(struct planner_process *p)
{
    siginfo_t info = {0};
    if (p->dead || waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid != p->pid)
        return;
    p->dead = true;
    p->code = info.si_code, p->status = info.si_status;
    hear(p);
}

bool planner_process_read(struct planner_process *process, struct text *text, size_t max)
{
    char bytes[READ_SIZE];
    look_after(process); // before reading: what it wrote last is then there
    take_log(process);
    while (text->size < max) {
        size_t room = max - text->size;
        ssize_t n = read(process->out, bytes, room < sizeof bytes ? room : sizeof bytes);
        if (n <= 0)
            return process->dead;
        text_add_bytes(text, bytes, (size_t)n);
    }
    return false;
}

int planner_process_failed(const struct planner_process *process, struct err *err)
{
    return process->dead && process->failed.news == CAGE_FAILED
               ? err_set(err, ERR_USAGE, "the planner could not be started: %s: %s",
                         process->failed.step, strerror(process->failed.error))
               : 0;
}

void planner_process_how(char *text, size_t size, const struct planner_process *process)
{
    if (process->code == CLD_EXITED)
        snprintf(text, size, "ended with exit status %d", process->status);
    else
        snprintf(text, size, "was ended by signal %d", process->status);
}
