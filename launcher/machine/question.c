#include "launcher/machine/question.h"

#include "base/clock.h"
#include "launcher/machine/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_SIZE = 4096, TEXT_MAX = 1 << 16 };

static void prepare(void *context)
{
    const int *out = context;
    setsid();
    dup2(*out, STDOUT_FILENO);
    dup2(*out, STDERR_FILENO);
}

int question_begin(struct question *q, const char *const *words, struct err *err)
{
    int ends[2];
    *q = (struct question){.out = -1};
    if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
        return err_set(err, ERR_MACHINE, "cannot start %s: %s", words[0], strerror(errno));
    const int failed = execute(&q->pid, words, prepare, &ends[1]);
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        return err_set(err, ERR_MACHINE, "cannot start %s: %s", words[0], strerror(failed));
    }
    q->out = ends[0];
    return 0;
}

bool question_turn(struct question *q)
{
    char bytes[READ_SIZE];
    int status = 0;
    const bool over = q->pid == 0 || waitpid(q->pid, &status, WNOHANG) != 0;
    for (ssize_t n; q->out >= 0 && (n = read(q->out, bytes, sizeof bytes)) > 0;)
        if (q->text.size < TEXT_MAX)
            text_add_bytes(&q->text, bytes, (size_t)n);
    if (over && q->pid) {
        q->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        q->ended = true;
        q->pid = 0;
    }
    return over;
}

void question_end(struct question *q)
{
    if (q->pid) {
        kill(-q->pid, SIGKILL);
        waitpid(q->pid, NULL, 0);
    }
    if (q->out >= 0)
        close(q->out);
    text_clear(&q->text);
    *q = (struct question){.out = -1};
}

int question_ask(struct question *q, const char *const *words, double seconds, struct err *err)
{
    if (question_begin(q, words, err) < 0)
        return -1;
    for (const double end = clock_now() + seconds; !question_turn(q); clock_sleep(1e-3))
        if (clock_now() > end)
            return err_set(err, ERR_MACHINE, "%s did not answer within %.0f s", words[0], seconds);
    return 0;
}
