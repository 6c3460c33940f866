/* Runs a program in the cage of a planner, with fewer layers than this machine offers:
 *
 *     caged ABI LAYERS RUN DATA PROGRAM [ARGUMENT...]
 *
 * ABI: of Landlock, at most. LAYERS: letters of those that may be there: c seccomp, n namespaces,
 * r a root of its own, p a /proc of its own. RUN and DATA: what must not be read; planner.work is
 * made in RUN. stdin, stdout and stderr are the program's. The status is the program's, 128 and the
 * number of a signal that ended it, or 127 where it was not started, or 2. */
#include "launcher/planner/cage.h"
#include "launcher/planner/planner_program.h"
#include "launcher/planner/planner_reads.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USAGE = 2, SIGNALED = 128 };

static void take_away(struct cage_layers *layers, unsigned abi, const char *letters)
{
    if (layers->landlock > abi)
        layers->landlock = abi;
    layers->calls = layers->calls && strchr(letters, 'c');
    layers->namespaces = layers->namespaces && strchr(letters, 'n');
    layers->root = layers->namespaces && layers->root && strchr(letters, 'r');
    layers->proc = layers->namespaces && layers->proc && strchr(letters, 'p');
}

/* How the program ended. */
static int wait_for(pid_t child, int report)
{
    struct cage_report r = {0};
    int status = 0;
    const bool told = read(report, &r, sizeof r) == (ssize_t)sizeof r;
    waitpid(child, &status, 0);
    if (told && r.news == CAGE_FAILED) {
        fprintf(stderr, "caged: %s: %s\n", r.step, strerror(r.error));
        return CAGE_EXIT_FAILED;
    }
    if (told)
        status = r.status;
    return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALED + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    struct cage_layers layers;
    struct planner_program program;
    struct err err;
    int ends[2];
    if (argc < 6)
        return USAGE;
    const struct planner_secrets secrets = {.run = argv[3], .data = &argv[4], .n_data = 1};
    cage_ask(&layers);
    take_away(&layers, (unsigned)atoi(argv[1]), argv[2]);
    if (planner_program_init(&program, argv + 5, (size_t)argc - 5, &secrets, &layers, NULL, &err) <
        0) {
        fprintf(stderr, "caged: %s\n", err.text);
        return USAGE;
    }
    if (cage_outside(program.cage))
        mkdir(cage_outside(program.cage), 0700);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return USAGE;
    const pid_t child = cage_fork(program.cage);
    if (child == 0) {
        close(ends[0]);
        cage_exec(program.cage, ends[1], program.path, program.arguments, program.variables);
    }
    close(ends[1]);
    const int code = wait_for(child, ends[0]);
    close(ends[0]);
    planner_program_clear(&program);
    return code;
}
