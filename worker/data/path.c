#include "worker/data/path.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *path_trim(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    return mem_format("%.*s", (int)n, path);
}

char *path_base_name(const char *path)
{
    char *trimmed = path_trim(path);
    const char *slash = strrchr(trimmed, '/');
    char *name = mem_strdup(slash && slash[1] ? slash + 1 : trimmed);
    free(trimmed);
    return name;
}

char *path_parent(const char *path)
{
    char *trimmed = path_trim(path);
    char *slash = strrchr(trimmed, '/');
    if (slash)
        slash[slash == trimmed ? 1 : 0] = 0;
    char *parent = mem_strdup(slash ? trimmed : ".");
    free(trimmed);
    return parent;
}

char *path_temporary(const char *path)
{
    char *trimmed = path_trim(path), *name = path_base_name(path);
    char *temporary = mem_format("%.*s.%s.tmp-%ld", (int)(strlen(trimmed) - strlen(name)), trimmed,
                                 name, (long)getpid());
    free(name);
    free(trimmed);
    return temporary;
}
