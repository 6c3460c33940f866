#include "launcher/front/front_path.h"

#include <string.h>
#include <unistd.h>

bool front_path(char *path, size_t size)
{
    static const char below[] = "/program/trireme"; // as front.c has it
    const size_t length = sizeof below - 1;
    const ssize_t n = readlink("/proc/self/exe", path, size - 1);
    if (n < 0)
        return false;
    path[n] = 0;
    if ((size_t)n > length && !strcmp(path + n - length, below))
        strcpy(path + n - length, "/trireme");
    return true;
}
