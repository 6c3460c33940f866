#include "launcher/job/program_path.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* Below the folder of what people start (launcher/front), which executes it. */
static const char below[] = "/program/trireme";

int program_path(char *path, size_t size, struct err *err)
{
    const size_t length = sizeof below - 1;
    const ssize_t n = readlink("/proc/self/exe", path, size - 1);
    if (n < 0 || (size_t)n >= size - 1)
        return err_set(err, ERR_MACHINE, "the path of this program cannot be found: %s",
                       n < 0 ? strerror(errno) : "it is too long");
    path[n] = 0;
    if ((size_t)n > length && !strcmp(path + n - length, below))
        strcpy(path + n - length, "/trireme");
    return 0;
}
