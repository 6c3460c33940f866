/* What people start: it holds back the signals that ask to stop, chooses OpenBLAS's kernels, and
 * executes the program proper (launcher/main.c), which stands below it in program/. It is linked to
 * nothing, so a signal finds it ready within a millisecond; the libraries of the program take many
 * times as long to load, on a busy node a second. */
#include "launcher/front/held_signals.h"
#include "launcher/front/kernel_choice.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CANNOT_START = 5 /* ERR_MACHINE of base/err.h */ };

int main(int n_arguments, char **arguments)
{
    static const char program[] = "/program/trireme";
    char path[4096 + sizeof program];
    (void)n_arguments;
    held_signals_hold();
    ssize_t n = readlink("/proc/self/exe", path, 4096);
    if (n <= 0) {
        fprintf(stderr, "trireme: cannot find itself in /proc: %s\n", strerror(errno));
        return CANNOT_START;
    }
    path[n] = 0;
    strcpy(strrchr(path, '/'), program);
    kernel_choice_set();
    execv(path, arguments);
    fprintf(stderr, "trireme: %s: cannot be executed: %s\n", path, strerror(errno));
    return CANNOT_START;
}
