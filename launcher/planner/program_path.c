#include "launcher/planner/program_path.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* In the folders of PATH; NULL: there is none. */
static char *find_in_path(const char *name)
{
    const char *folder = getenv("PATH");
    for (; folder; folder = strchr(folder, ':') ? strchr(folder, ':') + 1 : NULL) {
        size_t size = strcspn(folder, ":");
        char *path =
            size ? mem_format("%.*s/%s", (int)size, folder, name) : mem_format("./%s", name);
        if (is_program(path))
            return path;
        free(path);
    }
    return NULL;
}

char *program_path_find(const char *name, struct err *err)
{
    bool has_slash = strchr(name, '/');
    if (has_slash && is_program(name))
        return mem_strdup(name);
    if (has_slash) {
        const char *why = file_is_dir(name)   ? "a folder"
                          : file_exists(name) ? "a file that may not be executed (chmod +x)"
                                              : "nothing there";
        err_set(err, ERR_USAGE, "experiment.command: %s: found %s, expected the planner's program",
                name, why);
        return NULL;
    }
    char *path = *name ? find_in_path(name) : NULL;
    if (!path)
        err_set(err, ERR_USAGE, "experiment.command: '%s': found no such program in PATH%s", name,
                *name && file_exists(name) ? ", but one here: write it with ./ before it" : "");
    return path;
}
