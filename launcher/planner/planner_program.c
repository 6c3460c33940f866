#include "launcher/planner/planner_program.h"

#include "base/file.h"
#include "base/mem.h"
#include "launcher/planner/cage.h"
#include "launcher/planner/planner_reads.h"
#include "launcher/planner/program_path.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Keys of services, sockets of agents and what belongs to the MPI job are not among them. */
static bool is_passed_on(const char *variable)
{
    // clang-format off
    static const char *const beginnings[] = {
        "PATH=", "LANG=", "LANGUAGE=", "LC_", "TZ=", "USER=", "LOGNAME=", "LD_LIBRARY_PATH=",
        "PYTHON", "PYENV_", "VIRTUAL_ENV=", "CONDA_PREFIX=", "OMP_", "PLANNER_"};
    // clang-format on
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (!strncmp(variable, beginnings[i], strlen(beginnings[i])))
            return true;
    return false;
}

static bool is_needed(const char *variable, const struct planner_needs *needs)
{
    for (size_t i = 0; needs && needs->variables[i]; i++)
        if (!strncmp(variable, needs->variables[i], strlen(needs->variables[i])))
            return true;
    return false;
}

/* work: the folder that it works in. */
static char **own_variables(const char *work, const struct planner_needs *needs)
{
    // or a print stays in the program while we wait for it
    static const char unbuffered[] = "PYTHONUNBUFFERED=1";
    enum { OURS = 3 };
    size_t n = 0, k = 0;
    while (environ[n])
        n++;
    char **variables = mem_new(n + OURS + 1, sizeof *variables);
    for (size_t i = 0; i < n; i++)
        if (is_passed_on(environ[i]) || is_needed(environ[i], needs))
            variables[k++] = mem_strdup(environ[i]);
    if (!getenv("PYTHONUNBUFFERED"))
        variables[k++] = mem_strdup(unbuffered);
    variables[k++] = mem_format("HOME=%s", work);
    variables[k++] = mem_format("TMPDIR=%s", work);
    return variables;
}

static void words_free(char **words)
{
    for (char **word = words; word && *word; word++)
        free(*word);
    free(words);
}

int planner_program_init(struct planner_program *program, char *const *command, size_t n,
                         const struct planner_secrets *secrets, const struct cage_layers *layers,
                         const struct planner_needs *needs, struct err *err)
{
    char *path = program_path_find(n ? command[0] : "", err);
    if (!path)
        return -1;
    char **words = mem_new(n + 1, sizeof *words), *run = realpath(secrets->run, NULL);
    struct planner_reads reads;
    for (size_t i = 0; i < n; i++)
        words[i] = mem_strdup(command[i]);
    *program = (struct planner_program){.path = path, .arguments = words};
    const int rc = planner_reads_find(&reads, &program->path, words, n, secrets, err);
    if (rc == 0) {
        for (size_t i = 0; needs && needs->files[i]; i++)
            planner_reads_want(&reads, needs->files[i], secrets);
        char *work = file_join(run ? run : secrets->run, "planner.work");
        program->cage = cage_new(layers, reads.paths, reads.n, work);
        if (needs && needs->network)
            cage_open_network(program->cage);
        program->variables = own_variables(cage_inside(program->cage), needs);
        program->log = file_join(secrets->run, "planner.log");
        planner_reads_clear(&reads);
        free(work);
    } else
        planner_program_clear(program);
    free(run);
    return rc;
}

void planner_program_clear(struct planner_program *program)
{
    free(program->path);
    words_free(program->arguments);
    words_free(program->variables);
    free(program->log);
    cage_free(program->cage);
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
