#include "launcher/planner/planner_program.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
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

char *planner_program_find(const char *name, struct err *err)
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

/* What tells a process that it is a rank, or where the job's daemons listen. */
static bool belongs_to_job(const char *variable)
{
    static const char *const prefixes[] = {"OMPI_", "OPAL_", "ORTE_",  "PRTE_",
                                           "PMIX_", "PMI_",  "SLURM_", "TRIREME_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (!strncmp(variable, prefixes[i], strlen(prefixes[i])))
            return true;
    return false;
}

static char **own_variables(void)
{
    // or a print stays in the program while we wait for it
    static const char unbuffered[] = "PYTHONUNBUFFERED=1";
    size_t n = 0, k = 0;
    while (environ[n])
        n++;
    char **variables = mem_new(n + 2, sizeof *variables);
    for (size_t i = 0; i < n; i++)
        if (!belongs_to_job(environ[i]))
            variables[k++] = mem_strdup(environ[i]);
    if (!getenv("PYTHONUNBUFFERED"))
        variables[k++] = mem_strdup(unbuffered);
    return variables;
}

static void words_free(char **words)
{
    for (char **word = words; word && *word; word++)
        free(*word);
    free(words);
}

int planner_program_init(struct planner_program *program, char *const *command, size_t n,
                         const char *run, struct err *err)
{
    char *path = planner_program_find(n ? command[0] : "", err);
    if (!path)
        return -1;
    *program = (struct planner_program){.path = path,
                                        .arguments = mem_new(n + 1, sizeof *program->arguments)};
    for (size_t i = 0; i < n; i++)
        program->arguments[i] = mem_strdup(command[i]);
    program->variables = own_variables();
    program->log = file_join(run, "planner.log");
    return 0;
}

void planner_program_clear(struct planner_program *program)
{
    free(program->path);
    words_free(program->arguments);
    words_free(program->variables);
    free(program->log);
    *program = (struct planner_program){0};
}

void planner_program_note(const struct planner_program *program, const char *format, ...)
{
    FILE *f = fopen(program->log, "ae");
    if (!f)
        return;
    va_list args;
    va_start(args, format);
    vfprintf(f, format, args);
    va_end(args);
    fclose(f);
}
