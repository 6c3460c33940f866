#include "launcher/planner/planner_reads.h"

#include "base/file.h"
#include "base/mem.h"
#include "launcher/environment.h"
#include "launcher/planner/program_path.h"

#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 8, LINE_SIZE = 256 };

struct search {
    struct planner_reads *reads;
    const struct planner_secrets *secrets;
    struct err *err;
};

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == path ? mem_strdup("/") : mem_format("%.*s", (int)(slash - path), path);
}

static bool holds(const char *folder, const char *path)
{
    const size_t size = strcmp(folder, "/") ? strlen(folder) : 0;
    return !strncmp(folder, path, size) && (path[size] == '/' || path[size] == 0);
}

static char *absolute(const char *path)
{
    char here[PATH_MAX];
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    return path[0] == '/' || !getcwd(here, sizeof here) ? mem_strdup(path)
                                                        : mem_format("%s/%s", here, path);
}

/* Where a path really is; of one that is not there yet, where it will be. */
static char *real(const char *path)
{
    char *whole = absolute(path), *found = realpath(whole, NULL);
    size_t size = strlen(whole);
    while (size > 1 && whole[size - 1] == '/')
        whole[--size] = 0;
    if (!found && size > 1) {
        char *above = folder_of(whole), *real_above = real(above);
        found = file_join(real_above, strrchr(whole, '/') + 1);
        free(above);
        free(real_above);
    }
    free(whole);
    return found ? found : mem_strdup("/");
}

/* From 0; NULL: there are no more. */
static const char *secret_at(const struct planner_secrets *secrets, size_t i)
{
    if (i == 0)
        return secrets->run;
    return i <= secrets->n_data       ? secrets->data[i - 1]
           : i == secrets->n_data + 1 ? secrets->file
                                      : NULL;
}

/* The secret that is in the place, or that the place is in; NULL: none. */
static const char *touches(const struct planner_secrets *secrets, const char *place, bool *inside)
{
    const char *found = NULL, *secret;
    char *real_place = real(place);
    for (size_t i = 0; !found && (secret = secret_at(secrets, i)); i++) {
        char *real_secret = real(secret);
        *inside = holds(real_secret, real_place);
        if (*inside || holds(real_place, real_secret))
            found = secret;
        free(real_secret);
    }
    free(real_place);
    return found;
}

static void keep(struct planner_reads *reads, const char *path)
{
    for (size_t i = 0; i < reads->n; i++)
        if (holds(reads->paths[i], path))
            return;
    for (size_t i = 0; i < reads->n; i++)
        if (holds(path, reads->paths[i])) {
            free(reads->paths[i]);
            reads->paths[i--] = reads->paths[--reads->n];
        }
    if (reads->n < PLANNER_READS_MAX)
        reads->paths[reads->n++] = mem_strdup(path);
}

/* Adds a place that the program needs; what: for the sentence. */
static int need(struct search *s, const char *path, const char *what)
{
    bool inside = false;
    const char *secret = file_exists(path) ? touches(s->secrets, path, &inside) : NULL;
    if (secret)
        return err_set(s->err, ERR_USAGE,
                       inside ? "experiment.command: %s, %s, lies in %s, which no planner may read"
                              : "experiment.command: %s, %s, holds %s, which no planner may read: "
                                "put the program into a folder of its own",
                       path, what, secret);
    if (file_exists(path))
        keep(s->reads, path);
    return 0;
}

/* Adds a place that it may do without. */
static void want(struct search *s, const char *path)
{
    bool inside;
    if (path[0] == '/' && strcmp(path, "/") && file_exists(path) &&
        !holds(path, environment_home()) && !touches(s->secrets, path, &inside))
        keep(s->reads, path);
}

static int need_system(struct search *s)
{
    static const char *const places[] = {"/usr",
                                         "/bin",
                                         "/sbin",
                                         "/lib",
                                         "/lib32",
                                         "/lib64",
                                         "/nix/store",
                                         "/gnu/store",
                                         "/etc/ld.so.cache",
                                         "/etc/ld.so.conf",
                                         "/etc/ld.so.conf.d",
                                         "/etc/alternatives",
                                         "/etc/localtime",
                                         "/etc/timezone",
                                         "/etc/locale.alias",
                                         "/etc/perl"};
    glob_t found;
    int rc = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places && rc == 0; i++)
        rc = need(s, places[i], "a folder of the system");
    if (glob("/etc/python3*", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            want(s, found.gl_pathv[i]);
        globfree(&found);
    }
    return rc;
}

/* Folders in a list such as PATH's. */
static void want_list(struct search *s, const char *list)
{
    for (; list; list = strchr(list, ':') ? strchr(list, ':') + 1 : NULL) {
        char *folder = mem_format("%.*s", (int)strcspn(list, ":"), list);
        want(s, folder);
        free(folder);
    }
}

/* The same of the folder that a file lies in, which is not to be the home folder. */
static int need_folder_of(struct search *s, const char *path, const char *what)
{
    const char *said = environment_home();
    char *folder = folder_of(path), *home = real(*said ? said : "/");
    int rc = 0;
    if (holds(folder, home))
        rc = err_set(s->err, ERR_USAGE,
                     "experiment.command: %s lies in %s, all of which the planner could read: put "
                     "it into a folder of its own",
                     path, folder);
    if (rc == 0)
        rc = need(s, folder, what);
    free(folder);
    free(home);
    return rc;
}

static bool is_programs(const char *folder)
{
    static const char *const names[] = {"bin", "sbin", "shims", "libexec"};
    const char *name = strrchr(folder, '/') + 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

/* What an installation that has the program in its bin has beside that; else the program's folder.
 */
static int need_installation(struct search *s, const char *path)
{
    static const char *const beside[] = {"bin",   "sbin",    "lib",      "lib64",   "libexec",
                                         "shims", "version", "versions", "plugins", "pyvenv.cfg"};
    char *folder = folder_of(path), *above = folder_of(folder);
    int rc = 0;
    if (!is_programs(folder))
        rc = need_folder_of(s, path, "the folder of an interpreter");
    for (size_t i = 0; is_programs(folder) && i < sizeof beside / sizeof *beside && rc == 0; i++) {
        char *place =
            strcmp(above, "/") ? file_join(above, beside[i]) : mem_format("/%s", beside[i]);
        rc = need(s, place, "a folder of an interpreter");
        free(place);
    }
    free(folder);
    free(above);
    return rc;
}

/* The interpreter in a file's first line, looked up in PATH behind env; NULL: there is none. */
static char *interpreter_of(const char *path)
{
    char line[LINE_SIZE] = "", *rest = NULL;
    FILE *f = fopen(path, "re");
    if (!f)
        return NULL;
    if (!fgets(line, sizeof line, f))
        line[0] = 0;
    fclose(f);
    if (line[0] != '#' || line[1] != '!')
        return NULL;
    char *word = strtok_r(line + 2, " \t\r\n", &rest);
    const char *name = word ? strrchr(word, '/') : NULL;
    if (!name || strcmp(name, "/env"))
        return word ? mem_strdup(word) : NULL;
    do
        word = strtok_r(NULL, " \t\r\n", &rest);
    while (word && (word[0] == '-' || strchr(word, '=')));
    struct err none;
    return word ? program_path_find(word, &none) : NULL;
}

static int need_interpreter(struct search *s, const char *path, int depth);

/* What a program that is a file of text needs. */
static int need_its_interpreter(struct search *s, const char *path, int depth)
{
    char *interpreter = interpreter_of(path);
    int rc = interpreter ? need_interpreter(s, interpreter, depth + 1) : 0;
    free(interpreter);
    return rc;
}

/* The installations of a program at each of the links that it is reached by. */
static int need_interpreter(struct search *s, const char *path, int depth)
{
    char *at = absolute(path);
    int rc = depth < LINKS_MAX ? 0 : -1;
    if (rc < 0)
        err_set(s->err, ERR_USAGE, "experiment.command: %s: found more than %d interpreters", path,
                LINKS_MAX);
    for (int i = 0; i < LINKS_MAX && at && rc == 0; i++) {
        char target[PATH_MAX], *next = NULL;
        rc = need_installation(s, at);
        ssize_t size = readlink(at, target, sizeof target - 1);
        if (size > 0) {
            target[size] = 0;
            char *folder = folder_of(at);
            next = target[0] == '/' ? mem_strdup(target) : file_join(folder, target);
            free(folder);
        }
        free(at);
        at = next;
    }
    free(at);
    char *last = realpath(path, NULL);
    if (rc == 0 && last)
        rc = need_installation(s, last);
    if (rc == 0 && last)
        rc = need_its_interpreter(s, last, depth);
    free(last);
    return rc;
}

static int need_own_folder(struct search *s, const char *path)
{
    return need_folder_of(s, path, "the folder of the program");
}

static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* A script of an interpreter is its first argument that is no option; others that name files are to
 * be read. */
static int need_arguments(struct search *s, char **words, size_t n, bool interpreter)
{
    size_t script = 1;
    int rc = 0;
    while (script < n && words[script][0] == '-')
        script++;
    for (size_t i = 1; i < n && rc == 0; i++) {
        char *path = is_file(words[i]) ? realpath(words[i], NULL) : NULL;
        if (!path)
            continue;
        rc = interpreter && i == script ? need_own_folder(s, path)
                                        : need(s, path, "a file that it is given");
        free(words[i]);
        words[i] = path;
    }
    return rc;
}

/* A program of PATH or in a folder of programs is taken for an interpreter, unless it is a text
 * that has one. */
static bool is_interpreter(const char *word, const char *path)
{
    char *folder = folder_of(path), *its = interpreter_of(path);
    const bool is = !strchr(word, '/') || (is_programs(folder) && !its);
    free(folder);
    free(its);
    return is;
}

int planner_reads_find(struct planner_reads *reads, char **path, char **words, size_t n,
                       const struct planner_secrets *secrets, struct err *err)
{
    struct search s = {reads, secrets, err};
    char *at = absolute(*path);
    const bool interpreter = is_interpreter(words[0], at);
    if (!interpreter) {
        free(at);
        at = real(*path);
    }
    *reads = (struct planner_reads){.n = 0};
    int rc = need_system(&s);
    if (rc == 0 && interpreter)
        rc = need_interpreter(&s, at, 0);
    else if (rc == 0)
        rc = need_own_folder(&s, at) < 0 ? -1 : need_its_interpreter(&s, at, 0);
    if (rc == 0)
        rc = need_arguments(&s, words, n, interpreter);
    if (rc == 0) {
        want_list(&s, getenv("LD_LIBRARY_PATH"));
        want_list(&s, getenv("PYTHONPATH"));
    }
    if (rc < 0) {
        planner_reads_clear(reads);
        free(at);
        return -1;
    }
    free(*path);
    *path = at;
    return 0;
}

void planner_reads_want(struct planner_reads *reads, const char *path,
                        const struct planner_secrets *secrets)
{
    struct search s = {reads, secrets, NULL};
    want(&s, path);
}

void planner_reads_clear(struct planner_reads *reads)
{
    for (size_t i = 0; i < reads->n; i++)
        free(reads->paths[i]);
    reads->n = 0;
}
