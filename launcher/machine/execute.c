#include "launcher/machine/execute.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void in_child(const char *const *words, void (*prepare)(void *), void *context,
                               int failure)
{
    sigset_t none; // of the caller's, which may hold signals back while it starts
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    prepare(context);
    execvp(words[0], (char *const *)words);
    const int why = errno;
    _exit(write(failure, &why, sizeof why) == (ssize_t)sizeof why ? 127 : 126);
}

int execute(pid_t *pid, const char *const *words, void (*prepare)(void *context), void *context)
{
    int ends[2], why = 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno;
    const pid_t child = fork();
    if (child == 0)
        in_child(words, prepare, context, ends[1]);
    if (child < 0)
        why = errno;
    close(ends[1]); // what is read ends when the program begins
    ssize_t n = 0;
    while (child > 0 && (n = read(ends[0], &why, sizeof why)) < 0 && errno == EINTR)
        continue;
    close(ends[0]);
    if (n == (ssize_t)sizeof why)
        waitpid(child, NULL, 0);
    *pid = why ? 0 : child;
    return why;
}
