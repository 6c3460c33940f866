#include "launcher/machine/cores.h"

#include "base/mem.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_SIZE = 8192 };

/* One number, or two, of a file; how many there were. */
static int read_numbers(double *a, double *b, const char *folder, const char *name)
{
    char *path = mem_format("%s/%s", folder, name), text[128] = "";
    FILE *f = fopen(path, "re");
    free(path);
    if (!f)
        return 0;
    const bool there = fgets(text, sizeof text, f) != NULL;
    fclose(f);
    return there ? sscanf(text, "%lf %lf", a, b) : 0; // "max 100000": none
}

/* The quota of one group, in cores; 0: none. */
static double quota_of(const char *folder)
{
    double quota = 0, period = 0, unused;
    if (read_numbers(&quota, &period, folder, "cpu.max") == 2)
        return quota > 0 && period > 0 ? quota / period : 0;
    if (read_numbers(&quota, &unused, folder, "cpu.cfs_quota_us") < 1 ||
        read_numbers(&period, &unused, folder, "cpu.cfs_period_us") < 1)
        return 0;
    return quota > 0 && period > 0 ? quota / period : 0;
}

/* Whether a list a,b,c has the word. */
static bool list_has(const char *list, const char *word)
{
    const size_t n = strlen(word);
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
        if (!strncmp(at, word, n) && (at[n] == ',' || !at[n]))
            return true;
    return false;
}

/* The path of this process's group in a line "N:CONTROLLERS:PATH"; NULL for another hierarchy. */
static const char *path_in_line(char *line, bool second)
{
    char *controllers = strchr(line, ':'),
         *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return NULL;
    *path++ = 0;
    controllers++;
    path[strcspn(path, "\n")] = 0;
    return second ? (*controllers ? NULL : path) : list_has(controllers, "cpu") ? path : NULL;
}

static char *group_path(const char *root, bool second)
{
    char *name = mem_format("%s/proc/self/cgroup", root), line[LINE_SIZE], *found = NULL;
    FILE *f = fopen(name, "re");
    free(name);
    while (f && !found && fgets(line, sizeof line, f))
        found = mem_strdup(path_in_line(line, second));
    if (f)
        fclose(f);
    return found;
}

/* The smallest quota of the group at that path and of those above it. */
static double smallest_above(double smallest, const char *mount, const char *path)
{
    char *folder = mem_format("%s%s", mount, strcmp(path, "/") ? path : "");
    const size_t end = strlen(mount);
    for (;;) {
        const double quota = quota_of(folder);
        if (quota > 0 && (smallest <= 0 || quota < smallest))
            smallest = quota;
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < end)
            break;
        *slash = 0;
    }
    free(folder);
    return smallest;
}

/* A line of mountinfo: "36 35 98:0 ROOT MOUNT OPTIONS ... - TYPE SOURCE SUPER". */
static double quota_of_mount(double smallest, const char *root, const char *line)
{
    char from[LINE_SIZE], at[LINE_SIZE], type[64], super[LINE_SIZE];
    const char *rest = strstr(line, " - ");
    if (!rest || sscanf(line, "%*s %*s %*s %8191s %8191s", from, at) != 2 ||
        sscanf(rest + 3, "%63s %*s %8191s", type, super) != 2)
        return smallest;
    const bool second = !strcmp(type, "cgroup2");
    if (!second && (strcmp(type, "cgroup") || !list_has(super, "cpu")))
        return smallest;
    char *path = group_path(root, second);
    if (!path)
        return smallest;
    char *mount = mem_format("%s%s", root, at);
    const size_t n = strcmp(from, "/") ? strlen(from) : 0;
    // a container sees its own group as the root of what is mounted
    const bool below = !strncmp(path, from, n) && (path[n] == '/' || !path[n]);
    smallest = smallest_above(smallest, mount, below ? path + n : "");
    free(mount);
    free(path);
    return smallest;
}

void cores_read(struct cores *cores, const char *root)
{
    cpu_set_t set;
    char *name = mem_format("%s/proc/self/mountinfo", root), line[LINE_SIZE];
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    *cores = (struct cores){.allowed = online > 0 ? (unsigned)online : 1};
    if (sched_getaffinity(0, sizeof set, &set) == 0) // fails where there are more than it can hold
        cores->allowed = (unsigned)CPU_COUNT(&set);
    FILE *f = fopen(name, "re");
    free(name);
    while (f && fgets(line, sizeof line, f))
        cores->quota = quota_of_mount(cores->quota, root, line);
    if (f)
        fclose(f);
}

unsigned cores_usable(const struct cores *cores)
{
    unsigned n = cores->allowed;
    if (cores->quota > 0 && cores->quota < n)
        n = (unsigned)cores->quota; // half a core is not a worker's
    return n ? n : 1;
}
